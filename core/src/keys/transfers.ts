import { createHash, createPublicKey, randomUUID } from 'node:crypto'
import { type KeyProvider, oaepAlgorithms, type Op, type SealedRef, WarderError } from '@warder/contract'
import { z } from 'zod'
import { type Call, onBehalfOf } from '../call.ts'
import type { Transfers } from '../engine-api.ts'
import { eventOf } from '../policy/authorize.ts'
import { change, type Collection, removal } from '../records/repository.ts'
import type { Journal } from '../audit/journal.ts'
import { addKey, newKey } from './service.ts'
import { type Keyring, requireVersion } from './keyring.ts'
import { requireLength } from './limits.ts'
import { base64, newObjectId, toRef } from './material.ts'
import type { ImportKey } from './model.ts'
import { oaepAlgorithm } from './oaep.ts'
import { day } from './schedule.ts'

const importKeyRecord = z.strictObject({
  id: z.string(),
  spki: z.base64(),
  oaep: z.enum(oaepAlgorithms),
  rootKey: z.int(),
  blob: z.base64(),
  expiresAt: z.string(),
})
type ImportKeyRecord = z.infer<typeof importKeyRecord>

/** One import key per space at most, under the space's name; gone once used. */
const importKeys: Collection<ImportKeyRecord> = { name: 'import-keys', schema: importKeyRecord, attributes: () => ({}) }

interface TransferParts {
  readonly keyring: Keyring
  readonly journal: Journal
  readonly hsm: KeyProvider
  now(): Date
}

export function createTransfers({ keyring, journal, hsm, now }: TransferParts): Transfers {
  const { repository } = keyring

  /** The space's import key while it can be used, with the revision of its record. */
  async function current(
    space: string,
    op: Op,
  ): Promise<{ value: ImportKeyRecord; revision: number; usable: boolean } | undefined> {
    const found = await repository.read(importKeys, space, op)
    return found && { ...found, usable: Date.parse(found.value.expiresAt) > now().getTime() }
  }

  async function makeImportKey(call: Call, space: string, replaced: number | undefined): Promise<ImportKeyRecord> {
    const oaep = await oaepAlgorithm(hsm, undefined, call)
    const spec = {
      algorithm: 'RSA-4096',
      usage: 'import',
      custody: 'sealed',
      exportable: false,
      id: newObjectId(),
    } as const
    const { ref, spki } = await hsm.generate(spec, onBehalfOf(call, space))
    if (ref.custody !== 'sealed' || spki === undefined)
      throw new WarderError('hsm-failed', 'The HSM made no import key.')
    const value: ImportKeyRecord = {
      id: randomUUID(),
      spki: base64(spki),
      oaep,
      rootKey: ref.rootKey,
      blob: base64(ref.blob),
      expiresAt: new Date(now().getTime() + day).toISOString(),
    }
    const subject = { space, key: value.id, expiresAt: value.expiresAt }
    const draft = { ...eventOf(call), type: 'key-lifecycle', action: 'key:importKey', subject, result: 'ok' } as const
    await repository.write(draft, [change(importKeys, space, replaced ?? 'absent', value)], call)
    return value
  }

  return {
    async importKey(call, space) {
      await keyring.enter(call, space, 'write', 'key:importKey')
      return repository.exclusive(importKeys, space, async () => {
        const found = await current(space, call)
        return viewOf(found?.usable === true ? found.value : await makeImportKey(call, space, found?.revision))
      })
    },

    async importKeyMaterial(call, space, input) {
      await keyring.enter(call, space, 'write', 'key:import')
      const spec = newKey(input)
      const { algorithm, usage, custody, exportable } = spec
      requireLength('wrapped', input.wrapped, { least: 512 + 16, most: 8192 })
      if (input.spki !== undefined) requirePublicKey('spki', input.spki)
      return repository.exclusive(importKeys, space, async () => {
        const found = await current(space, call)
        if (found?.usable !== true || found.value.id !== input.importKey) {
          throw new WarderError(
            'import-key-not-found',
            'There is no such import key: it was used, has expired, or is of another space.',
          )
        }
        const under = sealedRef(found.value)
        const { oaep } = found.value
        const wanted = { ...spec, space, createdBy: call.principal.identity, now: now() }
        let tried = false
        try {
          return await addKey(keyring, call, wanted, 'key:import', eventOf(call), () => {
            tried = true
            const target = { algorithm, usage, custody, exportable, id: newObjectId() }
            return hsm.importKey(
              { under, oaep, wrapped: input.wrapped, spec: target, ...(input.spki && { spki: input.spki }) },
              onBehalfOf(call, space),
            )
          })
        } finally {
          // Once the HSM has tried it, it is used up, so that nobody can guess against it.
          if (tried) await forget(call, space, found)
        }
      })
    },

    async exportKey(call, space, name, { recipient, oaep, version }) {
      await keyring.enter(call, space, 'admin', 'key:export')
      const key = await keyring.find(space, name, call)
      if (!key.exportable)
        throw new WarderError('not-exportable', 'This key was not made exportable; nothing can make it so.')
      requirePublicKey('recipient', recipient)
      const algorithm = await oaepAlgorithm(hsm, oaep, call)
      const { number } = requireVersion(key, 'process', version)
      const ref = toRef(await keyring.versionRecord(key, number, call))
      if (ref.custody !== 'sealed') throw new WarderError('not-exportable', 'A resident key never leaves the HSM.')
      const subject = {
        space,
        key: key.id,
        name,
        version: number,
        recipient: createHash('sha256').update(recipient).digest(),
      }
      const draft = { ...eventOf(call), type: 'key-lifecycle', action: 'key:export', subject } as const
      // Recorded before it is made: an export that is not on record cannot have happened.
      await journal.append({ ...draft, result: 'pending' })
      try {
        const wrapped = await hsm.exportKey(ref, recipient, algorithm, onBehalfOf(call, space))
        await journal.append({ ...draft, result: 'ok' })
        return { wrapped, oaep: algorithm, version: number }
      } catch (error) {
        await journal.append({ ...draft, result: WarderError.is(error) ? error.code : 'internal' })
        throw error
      }
    },
  }

  async function forget(
    call: Call,
    space: string,
    { value, revision }: { value: ImportKeyRecord; revision: number },
  ): Promise<void> {
    const subject = { space, key: value.id }
    const draft = {
      ...eventOf(call),
      type: 'key-lifecycle',
      action: 'key:importKeyUsed',
      subject,
      result: 'ok',
    } as const
    // The caller may have gone meanwhile; the key is used up all the same.
    await repository.write(draft, [removal(importKeys, space, revision)], { signal: new AbortController().signal })
  }
}

function viewOf({ id, spki, oaep, expiresAt }: ImportKeyRecord): ImportKey {
  return { id, spki: Buffer.from(spki, 'base64'), oaep, expiresAt }
}

function sealedRef({ rootKey, blob, spki }: ImportKeyRecord): SealedRef {
  return {
    custody: 'sealed',
    algorithm: 'RSA-4096',
    usage: 'import',
    exportable: false,
    rootKey,
    blob: Buffer.from(blob, 'base64'),
    spki: Buffer.from(spki, 'base64'),
  }
}

function requirePublicKey(field: string, spki: Uint8Array): void {
  requireLength(field, spki, { least: 1, most: 2048 })
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new WarderError('malformed-request', `${field} is not a SubjectPublicKeyInfo.`, { facts: { field }, cause })
  }
}
