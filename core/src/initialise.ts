import { randomUUID } from 'node:crypto'
import { type Op, WarderError } from '@warder/contract'
import { Journal } from './audit/journal.ts'
import { readJournal } from './audit/read.ts'
import { closeFoundation, type Foundation, journalContext, openFoundation, type Ports } from './engine.ts'
import { apiKeys } from './identity/collection.ts'
import { rootSpace } from './policy/authorize.ts'
import { type AdminKeyDelivery, issueAdminKey } from './recover-administrator.ts'
import { deriveStoreKeys, eraseStoreKeys } from './records/store-secret.ts'
import { change } from './records/repository.ts'
import { spaces } from './spaces/collection.ts'

export interface Initialised {
  /** The first administrator's API key, which works from now on; `undefined` when one was issued before. */
  readonly adminKey: string | undefined
}

/** For a caller who is content with the answer. */
const toNobody: AdminKeyDelivery = { delivered: undefined, deliver: () => Promise.resolve() }

/**
 * Makes a new appliance: the journal's genesis, the spaces `root` and `default`, and one administrator. It may be run
 * again after an interruption: what is there is kept, never overwritten. `ceremonies` are digests of transcripts; those that
 * the journal does not tell of yet are journaled.
 *
 * @throws WarderError `already-initialised` when storage holds records but there is no journal: a journal that was removed
 *   is never replaced by a new one.
 */
export async function initialise(
  ports: Ports,
  op: Op,
  delivery: AdminKeyDelivery = toNobody,
  ceremonies: readonly string[] = [],
): Promise<Initialised> {
  const storeSecret = Uint8Array.from(ports.storeSecret)
  await createJournalIfAbsent({ ...ports, storeSecret }, op)
  const foundation = await openFoundation(ports, op)
  try {
    for (const name of [rootSpace, 'default']) await createSpaceIfAbsent(foundation, name, ports, op)
    for (const digest of ceremonies) await foundation.ceremonies.record(foundation.journal, digest)
    const admins = foundation.repository.ids(apiKeys, { prefix: '', limit: 1 })
    return {
      adminKey: admins.length > 0 ? undefined : await issueAdminKey(foundation, ports, systemEvent, delivery, op),
    }
  } finally {
    await closeFoundation(foundation)
  }
}

async function createJournalIfAbsent(ports: Ports, op: Op): Promise<void> {
  const keys = deriveStoreKeys(ports.storeSecret, 1)
  try {
    const { chain } = await readJournal(ports.journalFiles, () => {})
    if (chain.next > 0) return
    const { records } = await ports.store.query(spaces.name, { limit: 1 }, op)
    if (records.length > 0) {
      throw new WarderError(
        'already-initialised',
        'Storage holds records but their journal is gone. Restore it; a new one cannot vouch for them.',
      )
    }
    await (await Journal.create(journalContext(ports, keys), randomUUID())).close()
  } finally {
    eraseStoreKeys(keys)
  }
}

const systemEvent = { correlation: 'init', actor: 'system' } as const

async function createSpaceIfAbsent({ repository }: Foundation, name: string, { now }: Ports, op: Op): Promise<void> {
  if (repository.has(spaces, name)) return
  const space = { name, description: '', createdAt: now().toISOString(), createdBy: 'system' }
  const draft = {
    ...systemEvent,
    type: 'configuration',
    action: 'space:create',
    subject: { space: name },
    result: 'ok',
  } as const
  await repository.write(draft, [change(spaces, name, 'absent', space)], op)
}
