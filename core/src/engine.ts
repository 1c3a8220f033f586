import { type Health, type KeyProvider, type Log, type Op, type Store, WarderError } from '@warder/contract'
import { DenialCounter } from './audit/denial-counter.ts'
import type { JournalFiles } from './audit/files.ts'
import { Journal, type JournalContext } from './audit/journal.ts'
import type { Engine } from './engine-api.ts'
import { createApiKeys } from './identity/api-keys.ts'
import { createKeys } from './keys/service.ts'
import { createAuthorize } from './policy/authorize.ts'
import { HeadIndex } from './records/head-index.ts'
import { Replay } from './records/recover.ts'
import { Repository } from './records/repository.ts'
import { deriveStoreKeys, eraseStoreKeys, type StoreKeys } from './records/store-secret.ts'
import { createSpaces } from './spaces/service.ts'

/** Everything the engine stands on. It closes none of them: who opened a port closes it, after the engine. */
export interface Ports {
  readonly store: Store
  readonly hsm: KeyProvider
  readonly journalFiles: JournalFiles
  /** The 32-byte store secret, opened by the HSM. The engine derives its keys from it and zeroes it. */
  readonly storeSecret: Uint8Array
  readonly log: Log
  now(): Date
  /** Names this node in the journal. */
  readonly node: string
}

/** The parts that services are made of, once the journal is open and storage is settled. */
export interface Foundation {
  readonly journal: Journal
  readonly repository: Repository
  readonly keys: StoreKeys
}

/**
 * Opens the appliance: checks the whole journal, rebuilds the head index from it and settles what a crash left open.
 * @throws WarderError `not-initialised`, `journal-corrupt`, `journal-unavailable` or `storage-unavailable`.
 */
export async function createEngine(ports: Ports, op: Op): Promise<Engine> {
  const foundation = await openFoundation(ports, op)
  const { journal, repository, keys } = foundation
  const { hsm, store, now } = ports
  const authorize = createAuthorize(journal)
  const denials = new DenialCounter(journal)
  return {
    spaces: createSpaces({ repository, authorize, now }),
    apiKeys: createApiKeys({ repository, authorize, denials, checkKey: keys.apiKeyCheck, now }),
    keys: createKeys({ repository, journal, hsm, authorize, now }),
    async health(healthOp) {
      const [storage, hsmHealth] = await Promise.all([healthOf(store, healthOp), healthOf(hsm, healthOp)])
      return { journal: journal.health(), storage, hsm: hsmHealth }
    },
    [Symbol.asyncDispose]: () => closeFoundation(foundation),
  }
}

export async function openFoundation(ports: Ports, op: Op): Promise<Foundation> {
  const keys = deriveStoreKeys(ports.storeSecret, 1)
  const heads = new HeadIndex()
  const replay = new Replay(heads)
  const journal = await Journal.open(journalContext(ports, keys), record => replay.visit(record))
  try {
    const settled = await replay.settle(ports.store, journal, op)
    if (settled > 0) ports.log.warn('settled changes that a crash had left open', { settled })
  } catch (error) {
    await journal.close()
    throw error
  }
  return { journal, keys, repository: new Repository({ store: ports.store, journal, keys: keys.sealing, heads }) }
}

export async function closeFoundation({ journal, keys }: Foundation): Promise<void> {
  await journal.close()
  eraseStoreKeys(keys)
}

export function journalContext(ports: Ports, keys: StoreKeys): JournalContext {
  const { journalFiles: files, log, node } = ports
  return { files, log, node, now: () => ports.now(), redaction: keys.redaction }
}

async function healthOf(service: Store | KeyProvider, op: Op): Promise<Health> {
  try {
    return await service.health(op)
  } catch (error) {
    return { ok: false, detail: WarderError.is(error) ? error.code : 'does not answer' }
  }
}
