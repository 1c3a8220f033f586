import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type KeyProvider, type Op, WarderError } from '@warder/contract'
import { z } from 'zod'
import { writeFileDurably } from './durable-file.ts'

/** The store secret at rest: sealed by the HSM, so that the file alone is worth nothing. */
const schema = z.strictObject({ v: z.literal(1), sealed: z.base64() })

const pathIn = (dataDir: string): string => join(dataDir, 'store-secret.json')

/** @throws WarderError `not-initialised` when there is none, `hsm-failed` when this HSM did not seal it. */
export async function openStoreSecret(dataDir: string, hsm: KeyProvider, op: Op): Promise<Uint8Array> {
  const text = await readIfThere(pathIn(dataDir))
  if (text === undefined)
    throw new WarderError('not-initialised', 'There is no store secret: this appliance was not initialised.')
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success)
    throw new WarderError('config-invalid', `${pathIn(dataDir)} is damaged; restore it from a backup.`)
  return hsm.openStoreSecret(Buffer.from(parsed.data.sealed, 'base64'), op)
}

/** Makes the store secret in the HSM at first run, and only then. */
export async function createStoreSecretIfAbsent(dataDir: string, hsm: KeyProvider, op: Op): Promise<void> {
  if ((await readIfThere(pathIn(dataDir))) !== undefined) return
  const secret = await hsm.random(32, op)
  const sealed = await hsm.sealStoreSecret(secret, op)
  secret.fill(0)
  await write(dataDir, sealed)
}

/**
 * Keeps a store secret that came from a backup, sealed by this HSM. Repeatable.
 * @throws WarderError `already-initialised` when there is another one
 */
export async function keepStoreSecret(dataDir: string, secret: Uint8Array, hsm: KeyProvider, op: Op): Promise<void> {
  if ((await readIfThere(pathIn(dataDir))) !== undefined) {
    const there = await openStoreSecret(dataDir, hsm, op)
    const same = timingSafeEqual(there, secret)
    there.fill(0)
    if (same) return
    throw new WarderError('already-initialised', `${pathIn(dataDir)} is that of another appliance.`)
  }
  await write(dataDir, await hsm.sealStoreSecret(secret, op))
}

export async function hasStoreSecret(dataDir: string): Promise<boolean> {
  return (await readIfThere(pathIn(dataDir))) !== undefined
}

async function write(dataDir: string, sealed: Uint8Array): Promise<void> {
  const text = JSON.stringify({ v: 1, sealed: Buffer.from(sealed).toString('base64') })
  await writeFileDurably(pathIn(dataDir), `${text}\n`)
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
