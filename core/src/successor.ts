import { type Op, WarderError } from '@warder/contract'
import { permissions, type Call } from './call.ts'
import { closeFoundation, createEngine, journalContext, openFoundation, type Ports } from './engine.ts'
import { judgeStorage, type Doubtful } from './recovery/accept-loss.ts'
import type { JournalHeads } from './recovery/heads.ts'
import { missingResident } from './recovery/missing-resident.ts'
import type { JournalPoint, ResidentKey } from './recovery/model.ts'
import { openNewOrigin, type Succession } from './recovery/new-origin.ts'
import { reapply, type Reapplied, type RestrictiveAct } from './recovery/restrictive-acts.ts'
import type { HeadIndex } from './records/head-index.ts'
import { deriveStoreKeys, eraseStoreKeys, type StoreKeys } from './records/store-secret.ts'

/** Where a journal stands of which nothing could be verified. */
const nothing: JournalPoint = { origin: 'unknown', seq: -1, hash: '0'.repeat(64), running: '0'.repeat(64) }

/**
 * Writes the journal that follows another, into `journalFiles`, which must be empty; it adopts `heads`.
 * @throws WarderError `already-initialised` when there are files
 */
export async function openSuccessor(
  ports: Pick<Ports, 'journalFiles' | 'storeSecret' | 'log' | 'now' | 'node'>,
  succession: Succession,
  heads: HeadIndex,
): Promise<void> {
  await withKeys(ports, keys => openNewOrigin(journalContext(ports, keys), succession, heads))
}

export interface AcceptedLoss {
  readonly origin: string
  /** What the operator says of it, in clear. */
  readonly reason: string
}

/**
 * The same for a journal whose end is lost: storage is looked through, and what nothing verified speaks against is adopted.
 * Answers the records that are not as the verified part left them. The first record says how many, and what was lost.
 */
export async function acceptLoss(
  ports: Ports,
  { heads, pending, end, verified }: JournalHeads,
  { origin, reason }: AcceptedLoss,
  op: Op,
): Promise<readonly Doubtful[]> {
  return withKeys(ports, async keys => {
    const judged = await judgeStorage(ports.store, { heads, pending }, keys.sealing, op)
    const lost = verified.fault?.facts ?? { reason: 'there is no journal' }
    const told = { reason, lost, differing: judged.doubtful.length }
    const succession = { origin, previous: end ?? nothing, by: 'accept-loss', told } as const
    await openNewOrigin(journalContext(ports, keys), succession, judged.heads)
    return judged.doubtful
  })
}

async function withKeys<T>(
  { storeSecret }: Pick<Ports, 'storeSecret'>,
  use: (keys: StoreKeys) => Promise<T>,
): Promise<T> {
  const keys = deriveStoreKeys(storeSecret, 1)
  try {
    return await use(keys)
  } finally {
    eraseStoreKeys(keys)
  }
}

/** Versions in a restored state whose private half this HSM does not have. */
export async function listMissingResident(ports: Ports, op: Op): Promise<readonly ResidentKey[]> {
  const foundation = await openFoundation(ports, op)
  try {
    return await missingResident(foundation.repository, ports.hsm, op)
  } finally {
    await closeFoundation(foundation)
  }
}

/** Repeats acts on a restored state, in their order, as acts of `restore`. Repeatable. */
export async function reapplyAll(ports: Ports, acts: readonly RestrictiveAct[], op: Op): Promise<readonly Reapplied[]> {
  const engine = await createEngine(ports, op)
  try {
    const call: Call = {
      principal: {
        identity: 'restore',
        credential: 'local',
        method: 'local',
        spaces: '*',
        permissions,
        sourceIp: 'local',
      },
      requestId: 'restore',
      signal: op.signal,
    }
    const reapplied: Reapplied[] = []
    for (const act of acts) reapplied.push(await reapply(engine, call, act))
    return reapplied
  } finally {
    await engine[Symbol.asyncDispose]()
  }
}

/** Where this journal says that the one before it ended; `undefined` for one that follows none. */
export function previousOf(genesis: { readonly subject: Readonly<Record<string, unknown>> }): JournalPoint | undefined {
  const previous = genesis.subject['previous']
  if (previous === undefined) return undefined
  const { origin, seq, hash, running } = previous as Partial<Record<keyof JournalPoint, unknown>>
  if (
    typeof origin === 'string' &&
    typeof seq === 'number' &&
    typeof hash === 'string' &&
    typeof running === 'string'
  ) {
    return { origin, seq, hash, running }
  }
  throw new WarderError('journal-corrupt', 'The first record of the journal does not say what it follows.')
}
