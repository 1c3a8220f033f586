import { randomBytes, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, type Op, WarderError } from '@warder/contract'
import { acceptLoss as judge, type Doubtful, type JournalHeads, type JournalPoint, readHeads } from '@warder/core'
import { journalDirectory, withBackends } from '../compose.ts'
import type { Config } from '../config/schema.ts'
import { openJournalDirectory, readJournalDirectory } from '../journal/journal-directory.ts'
import { openStoreSecret } from '../store-secret.ts'
import { archiveDirectory, filesIn, hasJournal, move, nextJournalDirectory } from './archive.ts'
import { markFinished, markUnfinished, readUnfinished } from './unfinished.ts'

/** What is wrong with a journal. */
export interface Loss {
  /** The last record that could be verified; `undefined` when there is none. */
  readonly end: JournalPoint | undefined
  readonly endedAt: string | undefined
  readonly fault: string
}

export interface AcceptLossOptions {
  readonly reason: string
  readonly log: Log
  /** Asked before anything is changed; rejects to leave all as it is. */
  readonly confirm: (loss: Loss) => Promise<void>
}

export interface LossAccepted extends Loss {
  readonly origin: string
  /** Where the damaged journal is kept; `undefined` when there were no files. */
  readonly evidence: string | undefined
  readonly doubtful: readonly Doubtful[]
}

/** It takes as long as it takes. */
const op: Op = { signal: new AbortController().signal }

/**
 * Opens a new journal where the old one is damaged, which is moved aside and kept. The new one commits to the last record of
 * the old that could be verified. After a crash it is repeated and goes on.
 * @throws WarderError `wrong-state` when the journal is in order
 */
export async function acceptLoss(config: Config, options: AcceptLossOptions): Promise<LossAccepted> {
  const { dataDir, node } = config
  const { reason, log, confirm } = options
  return withBackends(config, log, async ({ store, openHsm }, closer) => {
    const journal = journalDirectory(dataDir)
    const begun = await readUnfinished(dataDir)
    if (begun !== undefined && begun.act !== 'accept-loss') {
      throw new WarderError(
        'not-initialised',
        `warder restore was begun in ${dataDir} and has not finished: repeat it.`,
      )
    }
    // The new journal is whole before the old one is moved: a crash between the two moves leaves no journal, and both.
    const moved = begun === undefined ? undefined : join(archiveDirectory(dataDir), begun.archived)
    const wasMoved = moved !== undefined && (await hasJournal(moved))
    const { loss, before } = await examine(wasMoved ? moved : journal)
    const hsm = await openHsm()
    if (begun === undefined) await confirm(loss)

    const origin = begun?.origin ?? randomUUID()
    const archived = begun?.archived ?? `${before.end?.origin ?? 'unknown'}-${randomBytes(4).toString('hex')}`
    const evidence = join(archiveDirectory(dataDir), archived)
    await markUnfinished(dataDir, { act: 'accept-loss', origin, archived })
    // Only when the new journal was in its place already is there one now that the old one was moved.
    if (wasMoved) await rm(journal, { recursive: true, force: true })
    const next = nextJournalDirectory(dataDir)
    await rm(next, { recursive: true, force: true })
    const journalFiles = await openJournalDirectory(next)
    const storeSecret = await openStoreSecret(dataDir, hsm, op)
    const ports = { store, hsm, log, now: () => new Date(), node, journalFiles, storeSecret }
    const doubtful = await judge(ports, before, { origin, reason }, op)
    const hasFiles = wasMoved || (await hasJournal(journal))
    if (!wasMoved && hasFiles) await move(journal, evidence)
    await move(next, journal)
    await markFinished(dataDir)
    await closer[Symbol.asyncDispose]()
    return { ...loss, origin, evidence: hasFiles ? evidence : undefined, doubtful }
  })
}

/** @throws WarderError `wrong-state` when the journal is in order */
async function examine(directory: string): Promise<{ readonly loss: Loss; readonly before: JournalHeads }> {
  const files = readJournalDirectory(directory)
  const list = async (): Promise<readonly string[]> => ((await filesIn(directory)).length === 0 ? [] : files.list())
  let endedAt: string | undefined
  const before = await readHeads({ ...files, list }, record => (endedAt = record.ts))
  const { verified, end } = before
  if (verified.fault === undefined && end !== undefined) {
    throw new WarderError('wrong-state', 'The journal is in order: nothing of it is lost.')
  }
  return { before, loss: { end, endedAt, fault: verified.fault?.message ?? 'There is no journal.' } }
}
