import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { type KeyProvider, type Op, WarderError } from '@warder/contract'
import { z } from 'zod'
import { writeFileDurably } from './durable-file.ts'
import type { HsmClient } from './hsm/client.ts'

/**
 * The store secret at rest: sealed by the HSM, so that the file alone is worth nothing. Several tokens have store keys of
 * their own, so it is sealed by each, under its serial number: any one of them opens it.
 */
const schema = z.union([
  z.strictObject({ v: z.literal(1), sealed: z.base64() }).transform(({ sealed }) => sealed),
  z
    .strictObject({ v: z.literal(2), sealed: z.record(z.string().min(1).max(64), z.base64()) })
    .transform(({ sealed }) => new Map(Object.entries(sealed))),
])
/** By serial number; one that was sealed by the only token there was is of none. */
type Entries = z.output<typeof schema>

/** What several tokens are needed for; whatever is one token has no need of it. */
type SeveralTokens = Pick<HsmClient, 'tokens' | 'tokensInReach' | 'sealStoreSecretBy' | 'openStoreSecretBy'>
type Hsm = Pick<KeyProvider, 'random' | 'sealStoreSecret' | 'openStoreSecret'> & Partial<SeveralTokens>

/** How long a token that can open it has to come up, when none that can is there yet, and how often it is looked. */
const patienceMs = 30_000
const lookMs = 200

const pathIn = (dataDir: string): string => join(dataDir, 'store-secret.json')

/**
 * Opens it with any token that can. A token in reach that it is not sealed by yet seals it then, so that it can do alone later.
 * @throws WarderError `not-initialised` when there is none, `hsm-failed` when this HSM did not seal it.
 */
export async function openStoreSecret(dataDir: string, hsm: Hsm, op: Op): Promise<Uint8Array> {
  const entries = await read(dataDir)
  if (entries === undefined)
    throw new WarderError('not-initialised', 'There is no store secret: this appliance was not initialised.')
  if (!isSeveral(hsm)) return openByOnly(entries, hsm, op)
  const { secret, entries: now } = await openByAny(entries, hsm, op)
  await sealByAll(dataDir, secret, now, hsm, op)
  return secret
}

/** Makes the store secret in the HSM at first run, and only then. */
export async function createStoreSecretIfAbsent(dataDir: string, hsm: Hsm, op: Op): Promise<void> {
  if (await hasStoreSecret(dataDir)) return
  const secret = await hsm.random(32, op)
  try {
    await seal(dataDir, secret, hsm, op)
  } finally {
    secret.fill(0)
  }
}

/**
 * Keeps a store secret that came from a backup, sealed by this HSM. Repeatable.
 * @throws WarderError `already-initialised` when there is another one
 */
export async function keepStoreSecret(dataDir: string, secret: Uint8Array, hsm: Hsm, op: Op): Promise<void> {
  if (!(await hasStoreSecret(dataDir))) return seal(dataDir, secret, hsm, op)
  const there = await openStoreSecret(dataDir, hsm, op)
  const same = timingSafeEqual(there, secret)
  there.fill(0)
  if (same) return
  throw new WarderError('already-initialised', `${pathIn(dataDir)} is that of another appliance.`)
}

export async function hasStoreSecret(dataDir: string): Promise<boolean> {
  return (await readIfThere(pathIn(dataDir))) !== undefined
}

/** Whether a token is in reach that could not open it. */
export async function lacksSealing(dataDir: string, hsm: Hsm, op: Op): Promise<boolean> {
  if (!isSeveral(hsm)) return false
  const entries = await read(dataDir)
  if (entries === undefined) return false
  return typeof entries === 'string' || (await hsm.tokensInReach(op)).some(serial => !entries.has(serial))
}

const isSeveral = (hsm: Hsm): hsm is Hsm & SeveralTokens => (hsm.tokens ?? 1) > 1

/** Of several tokens that there were, any may be the one that is left: what it did not seal it does not open. */
async function openByOnly(entries: Entries, hsm: Hsm, op: Op): Promise<Uint8Array> {
  const [last = '', ...others] = (typeof entries === 'string' ? [entries] : [...entries.values()]).toReversed()
  for (const each of others) {
    try {
      return await hsm.openStoreSecret(Buffer.from(each, 'base64'), op)
    } catch (error) {
      if (!WarderError.is(error, 'hsm-failed')) throw error
    }
  }
  return hsm.openStoreSecret(Buffer.from(last, 'base64'), op)
}

async function seal(dataDir: string, secret: Uint8Array, hsm: Hsm, op: Op): Promise<void> {
  if (isSeveral(hsm)) {
    if (await sealByAll(dataDir, secret, new Map(), hsm, op)) return
    throw new WarderError('hsm-unavailable', 'No token could seal the store secret', { facts: { outcome: 'unknown' } })
  }
  const sealed = await hsm.sealStoreSecret(secret, op)
  await write(dataDir, { v: 1, sealed: Buffer.from(sealed).toString('base64') })
}

async function openByAny(
  entries: Entries,
  hsm: SeveralTokens,
  op: Op,
): Promise<{ readonly secret: Uint8Array; readonly entries: Map<string, string> }> {
  const until = performance.now() + patienceMs
  let refusal: WarderError | undefined
  for (;;) {
    const serials = await hsm.tokensInReach(op)
    for (const serial of serials) {
      const sealed = typeof entries === 'string' ? entries : entries.get(serial)
      if (sealed === undefined) continue
      try {
        const secret = await hsm.openStoreSecretBy(serial, Buffer.from(sealed, 'base64'), op)
        return { secret, entries: typeof entries === 'string' ? new Map([[serial, sealed]]) : new Map(entries) }
      } catch (error) {
        if (!WarderError.is(error, 'hsm-failed') && !WarderError.is(error, 'hsm-unavailable')) throw error
        refusal = error
      }
    }
    if (serials.length === hsm.tokens) throw refusal ?? noneSealed('hsm-failed')
    if (performance.now() >= until) throw refusal ?? noneSealed('hsm-unavailable')
    await after(lookMs, undefined, { signal: op.signal }).catch((cause: unknown) => {
      throw new WarderError('cancelled', 'Waiting for a token was cancelled', { cause })
    })
  }
}

/** Adds what is missing of the tokens in reach. False when there is no entry even then; one that does not seal now may later. */
async function sealByAll(
  dataDir: string,
  secret: Uint8Array,
  entries: Map<string, string>,
  hsm: SeveralTokens,
  op: Op,
): Promise<boolean> {
  const missing = (await hsm.tokensInReach(op)).filter(serial => !entries.has(serial))
  const made = await Promise.allSettled(
    missing.map(async serial => [serial, await hsm.sealStoreSecretBy(serial, secret, op)] as const),
  )
  for (const each of made) {
    if (each.status === 'fulfilled') entries.set(each.value[0], Buffer.from(each.value[1]).toString('base64'))
  }
  if (made.some(({ status }) => status === 'fulfilled')) {
    await write(dataDir, { v: 2, sealed: Object.fromEntries(entries) })
  }
  return entries.size > 0
}

function noneSealed(code: 'hsm-failed' | 'hsm-unavailable'): WarderError {
  const which = code === 'hsm-failed' ? 'None of the tokens' : 'No token that can be reached'
  return new WarderError(code, `${which} has sealed the store secret`, { facts: { outcome: 'not-started' } })
}

async function write(dataDir: string, form: z.input<typeof schema>): Promise<void> {
  await writeFileDurably(pathIn(dataDir), `${JSON.stringify(form)}\n`)
}

async function read(dataDir: string): Promise<Entries | undefined> {
  const text = await readIfThere(pathIn(dataDir))
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new WarderError('config-invalid', `${pathIn(dataDir)} is damaged; restore it from a backup.`)
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
