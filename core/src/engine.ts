import { type Health, type KeyProvider, type Log, type Op, type Store, WarderError } from '@warder/contract'
import { Ceremonies } from './audit/ceremonies.ts'
import { DenialCounter } from './audit/denial-counter.ts'
import type { JournalFiles } from './audit/files.ts'
import { Journal, type JournalContext } from './audit/journal.ts'
import { throwIfCancelled } from './cancelled.ts'
import type { Engine } from './engine-api.ts'
import { createApiKeys } from './identity/api-keys.ts'
import { createIdempotency } from './idempotency/service.ts'
import { createCrypto } from './keys/crypto.ts'
import { Keyring } from './keys/keyring.ts'
import { createListing } from './keys/listing.ts'
import { maintainKeys } from './keys/maintenance.ts'
import { createRootKeys } from './keys/root-keys.ts'
import { createKeys } from './keys/service.ts'
import { createTransfers } from './keys/transfers.ts'
import { UseCounters, type UseLimits } from './keys/use-counters.ts'
import { createBackups } from './recovery/backups.ts'
import { type Authorize, createAuthorize, rootSpace } from './policy/authorize.ts'
import { HeadIndex } from './records/head-index.ts'
import { Replay } from './records/recover.ts'
import { Repository } from './records/repository.ts'
import { deriveStoreKeys, eraseStoreKeys, type StoreKeys } from './records/store-secret.ts'
import { createSpaces } from './spaces/service.ts'
import type { Spans } from './spans.ts'

/** Everything the engine stands on. It closes none of them: who opened a port closes it, after the engine. */
export interface Ports {
  readonly store: Store
  readonly hsm: KeyProvider
  readonly journalFiles: JournalFiles
  /** The 32-byte store secret, opened by the HSM. The engine derives its keys from it and zeroes it. */
  readonly storeSecret: Uint8Array
  /** Opens it once more, for a backup, which zeroes it. Absent where no backups are made. */
  openStoreSecret?(op: Op): Promise<Uint8Array>
  readonly log: Log
  now(): Date
  /** Names this node in the journal. */
  readonly node: string
  /** Absent where nobody follows where calls spend their time. */
  readonly spans?: Spans
  /** How often one key version may encrypt; {@link gcmLimits} unless told, and never more. */
  readonly useLimits?: UseLimits
}

/** The parts that services are made of, once the journal is open and storage is settled. */
export interface Foundation {
  readonly journal: Journal
  readonly repository: Repository
  readonly keys: StoreKeys
  readonly ceremonies: Ceremonies
}

/**
 * Opens the appliance: checks the whole journal, rebuilds the head index from it and settles what a crash left open.
 * @throws WarderError `not-initialised`, `journal-corrupt`, `journal-unavailable`, `storage-unavailable`, or `cancelled`.
 */
export async function createEngine(ports: Ports, op: Op): Promise<Engine> {
  const foundation = await openFoundation(ports, op)
  try {
    return await assemble(foundation, ports, op)
  } catch (error) {
    await closeFoundation(foundation)
    throw error
  }
}

async function assemble(foundation: Foundation, ports: Ports, op: Op): Promise<Engine> {
  const { journal, repository } = foundation
  const { hsm, store, log } = ports
  const now = (): Date => ports.now()
  const authorize = followed(createAuthorize(journal), ports.spans)
  const keyring = new Keyring(repository, authorize)
  const rootKeys = createRootKeys({ repository, hsm, authorize, log, now })
  const listing = createListing(keyring, store)
  const apiKeys = createApiKeys({
    repository,
    authorize,
    denials: new DenialCounter(journal),
    checkKey: foundation.keys.apiKeyCheck,
    now,
  })
  const idempotency = createIdempotency({ repository, store, now })
  await rootKeys.resume(op)
  return {
    keys: createKeys({ keyring, list: listing.list, hsm, now }),
    crypto: createCrypto({
      keyring,
      journal,
      hsm,
      authorize,
      counters: new UseCounters(repository, ports.useLimits),
      log,
      now,
    }),
    transfers: createTransfers({ keyring, journal, hsm, now }),
    rootKeys,
    spaces: createSpaces({ repository, authorize, now }),
    apiKeys,
    idempotency,
    backups: createBackups({
      repository,
      journal,
      journalFiles: ports.journalFiles,
      store,
      hsm,
      authorize,
      openStoreSecret: ports.openStoreSecret?.bind(ports),
      node: ports.node,
      now,
    }),
    authorizeIntrospection: call =>
      authorize(call, { space: rootSpace, permission: 'introspect', action: 'introspect' }),
    async health(healthOp) {
      const [storage, hsmHealth] = await Promise.all([healthOf(store, healthOp), healthOf(hsm, healthOp)])
      return { journal: journal.health(), storage, hsm: hsmHealth }
    },
    figures: () => ({
      journalWaiting: journal.waiting,
      caches: { listings: listing.figures(), 'api-keys': apiKeys.figures() },
    }),
    async maintain(each) {
      await maintainKeys({ keyring, store, journal, hsm, log, now }, each)
      await idempotency.forget(each)
    },
    recordCeremony: digest => foundation.ceremonies.record(journal, digest),
    async recordHsm(what) {
      const system = { type: 'system', correlation: 'hsm', actor: 'system' } as const
      await journal.append({ ...system, action: `hsm:${what}`, subject: {}, result: 'ok' })
    },
    async [Symbol.asyncDispose]() {
      await rootKeys.close()
      await closeFoundation(foundation)
    },
  }
}

export async function openFoundation(ports: Ports, op: Op): Promise<Foundation> {
  const keys = deriveStoreKeys(ports.storeSecret, 1)
  const heads = new HeadIndex()
  const replay = new Replay(heads)
  const ceremonies = new Ceremonies()
  const journal = await openJournal()
  try {
    const settled = await replay.settle(ports.store, journal, op)
    if (settled > 0) ports.log.warn('settled changes that a crash had left open', { settled })
  } catch (error) {
    await closeFoundation({ journal, keys })
    throw error
  }
  const repository = new Repository({ store: ports.store, journal, keys: keys.sealing, heads })
  return { journal, keys, repository, ceremonies }

  async function openJournal(): Promise<Journal> {
    try {
      return await Journal.open(journalContext(ports, keys), record => {
        throwIfCancelled(op)
        replay.visit(record)
        ceremonies.visit(record)
      })
    } catch (error) {
      eraseStoreKeys(keys)
      throw error
    }
  }
}

export async function closeFoundation({ journal, keys }: Pick<Foundation, 'journal' | 'keys'>): Promise<void> {
  await journal.close()
  eraseStoreKeys(keys)
}

export function journalContext(
  ports: Pick<Ports, 'journalFiles' | 'log' | 'node' | 'now' | 'spans'>,
  keys: StoreKeys,
): JournalContext {
  const { journalFiles: files, log, node, spans } = ports
  return { files, log, node, now: () => ports.now(), redaction: keys.redaction, spans }
}

function followed(authorize: Authorize, spans: Spans | undefined): Authorize {
  return spans === undefined ? authorize : (call, act) => spans.around('authorise', () => authorize(call, act))
}

async function healthOf(service: Store | KeyProvider, op: Op): Promise<Health> {
  try {
    return await service.health(op)
  } catch (error) {
    return { ok: false, detail: WarderError.is(error) ? error.code : 'does not answer' }
  }
}
