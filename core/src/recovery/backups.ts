import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto'
import {
  type KeyProvider,
  type Op,
  type RootKeyBackup,
  type Store,
  type StoredRecord,
  WarderError,
} from '@warder/contract'
import { copyJournal } from '../audit/copy.ts'
import type { JournalFiles } from '../audit/files.ts'
import type { Journal } from '../audit/journal.ts'
import type { ChainState } from '../audit/line.ts'
import { keys, keyVersions, type VersionRecord } from '../keys/collection.ts'
import { type Authorize, eventOf, rootSpace } from '../policy/authorize.ts'
import type { Repository } from '../records/repository.ts'
import type { Backups } from '../engine-api.ts'
import type { BackupPart, JournalPoint, ResidentKey } from './model.ts'

interface BackupParts {
  readonly repository: Repository
  readonly journal: Journal
  readonly journalFiles: JournalFiles
  readonly store: Store
  readonly hsm: KeyProvider
  readonly authorize: Authorize
  /** The store secret once more, for the backup alone, which zeroes it. */
  readonly openStoreSecret: ((op: Op) => Promise<Uint8Array>) | undefined
  readonly node: string
  now(): Date
}

type Recipient = RootKeyBackup & { readonly recipient: Uint8Array }

export function createBackups(parts: BackupParts): Backups {
  const { repository, journal, journalFiles, store, hsm, authorize, openStoreSecret, node, now } = parts
  const action = 'backup:create'

  async function rootKeys(op: Op): Promise<Recipient> {
    const found = await hsm.rootKeyBackup?.(op).catch((error: unknown) => {
      if (!WarderError.is(error, 'unsupported-mechanism')) throw error
    })
    if (found?.recipient !== undefined) return { ...found, recipient: found.recipient }
    throw new WarderError(
      'backup-not-possible',
      'There is nobody to seal a backup to: name a recipient in the configuration of the HSM (hsm.config.backupRecipient), ' +
        'restart warder-hsm, and rotate the root key (warder root-key rotate).',
      { facts: { reason: 'no-recipient' } },
    )
  }

  async function sealedStoreSecret({ recipient }: Recipient, op: Op): Promise<BackupPart> {
    if (openStoreSecret === undefined) throw new TypeError('this engine was not given the store secret for backups')
    const secret = await openStoreSecret(op)
    try {
      const key = createPublicKey({ key: Buffer.from(recipient), format: 'der', type: 'spki' })
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      return {
        part: 'store-secret',
        oaep: 'RSA-OAEP-256',
        bytes: publicEncrypt({ key, padding, oaepHash: 'sha256' }, secret),
      }
    } finally {
      secret.fill(0)
    }
  }

  /** Looks through all that is wrapped, when there is a root key that would be missing in a backup. */
  async function checkBefore({ missing }: Recipient, op: Op): Promise<void> {
    if (missing.length === 0) return
    const inUse = new InUse()
    let after: string | undefined
    for (;;) {
      const ids = repository.ids(keyVersions, { prefix: '', after, limit: 500 })
      for (const id of ids) {
        const found = await repository.read(keyVersions, id, op)
        if (found !== undefined) inUse.add(found.value)
      }
      after = ids.at(-1)
      if (after === undefined) break
    }
    inUse.refuse(missing)
  }

  /** As storage has it: a number for people, and the manifest has the names. */
  async function countResident(op: Op): Promise<number> {
    let count = 0
    let after: string | undefined
    do {
      const query = { where: { custody: 'resident' }, limit: 200, ...(after !== undefined && { after }) }
      const page = await store.query(keys.name, query, op)
      count += page.records.length
      after = page.next
    } while (after !== undefined)
    return count
  }

  async function* partsOf(secret: BackupPart, first: Recipient, software: string, op: Op): AsyncGenerator<BackupPart> {
    yield secret
    const inUse = new InUse()
    const copy = repository.copy(op)
    let step = await copy.next()
    for (; step.done !== true; step = await copy.next()) {
      const { collection, id, revision, attributes, body } = step.value
      if (collection === keyVersions.name) inUse.add(repository.open(keyVersions, id, step.value))
      if (collection === keys.name) inUse.addName(repository, step.value)
      yield { part: 'record', collection, id, revision, attributes, bytes: body }
    }
    const { journal: chain, records } = step.value

    // Asked again: a rotation may have made another meanwhile, and versions in the copy may be wrapped under it.
    const last = await rootKeys(op)
    if (!Buffer.from(last.recipient).equals(first.recipient)) {
      throw new WarderError('backup-not-possible', 'The recipient was changed while the backup was made: repeat it.', {
        facts: { reason: 'recipient-changed' },
      })
    }
    inUse.refuse(last.missing)
    for (const { purpose, number, oaep, wrapped } of last.keys)
      yield { part: 'root-key', purpose, number, oaep, bytes: wrapped }
    const residentKeys = inUse.residentKeys()
    const time = now().toISOString()
    yield { part: 'manifest', format: 1, point: pointOf(chain), node, time, software, records, residentKeys }
    for await (const { segment, bytes } of copyJournal(journalFiles, chain)) yield { part: 'journal', segment, bytes }
  }

  return {
    async create(call, software) {
      await authorize(call, { space: rootSpace, permission: 'admin', action })
      const recipient = await rootKeys(call)
      await checkBefore(recipient, call)
      const fingerprint = createHash('sha256').update(recipient.recipient).digest('hex')
      const event = { ...eventOf(call), type: 'system', action } as const
      // On record before anything leaves; a second one tells what has left.
      await journal.append({ ...event, subject: { recipient: fingerprint }, result: 'pending' })
      const failed = (result: string): Promise<unknown> =>
        journal.append({ ...event, subject: { recipient: fingerprint }, result })
      const secret = await sealedStoreSecret(recipient, call)
      return {
        recipient: recipient.recipient,
        residentKeys: await countResident(call),
        parts: orJournaled(partsOf(secret, recipient, software, call), failed),
        async finish({ digest, size }) {
          await journal.append({ ...event, subject: { recipient: fingerprint, digest, size }, result: 'ok' })
        },
      }
    },
  }
}

/** The same parts; when they end before their end, the journal says so. */
async function* orJournaled<Part>(
  parts: AsyncIterable<Part>,
  failed: (result: string) => Promise<unknown>,
): AsyncGenerator<Part> {
  let result: string | undefined = 'cancelled'
  try {
    yield* parts
    result = undefined
  } catch (error) {
    result = WarderError.is(error) ? error.code : 'internal'
    throw error
  } finally {
    if (result !== undefined) await failed(result).catch(() => undefined)
  }
}

function pointOf({ origin = '', next, head, running }: ChainState): JournalPoint {
  return { origin, seq: next - 1, hash: head, running }
}

/** What versions are wrapped under, and which are not wrapped at all. */
class InUse {
  readonly #rootKeys = new Set<string>()
  readonly #resident = new Map<string, { readonly id: string; readonly version: number }>()
  readonly #names = new Map<string, { readonly space: string; readonly key: string }>()

  add(version: VersionRecord): void {
    const { key, number, exportable, private: half } = version
    const at = `${key}/${number}`
    // The last copy of a record counts.
    this.#resident.delete(at)
    if (half?.custody === 'resident') this.#resident.set(at, { id: key, version: number })
    if (half?.custody === 'sealed') this.#rootKeys.add(`${exportable ? 'export-kek' : 'kek'}/${half.rootKey}`)
  }

  /** Keys are named by their records, versions by the id of their key. */
  addName(repository: Repository, stored: StoredRecord): void {
    const { id, space, name, custody } = repository.open(keys, stored.id, stored)
    if (custody === 'resident') this.#names.set(id, { space, key: name })
  }

  /** @throws WarderError `backup-not-possible` */
  refuse(missing: readonly string[]): void {
    const lost = missing.filter(name => this.#rootKeys.has(name))
    if (lost.length === 0) return
    throw new WarderError(
      'backup-not-possible',
      `Keys are wrapped under root keys that have no copy for the recipient (${lost.join(', ')}): rotate the root key ` +
        '(warder root-key rotate), wait until its status is done, and repeat.',
      { facts: { reason: 'root-key-not-backed-up', missing: lost } },
    )
  }

  residentKeys(): readonly ResidentKey[] {
    return [...this.#resident.values()].flatMap(({ id, version }) => {
      const name = this.#names.get(id)
      // A version whose key was never made: a crash left it.
      return name === undefined ? [] : [{ ...name, version }]
    })
  }
}
