export type { EventDraft, JournalRecord, WriteDigest } from './audit/event.ts'
export type { AppendFile, JournalFiles } from './audit/files.ts'
export { type JournalReport, readJournal, readVerifiedPart, type VerifiedPart } from './audit/read.ts'
export * from './call.ts'
export { createEngine, type Ports } from './engine.ts'
export type * from './engine-api.ts'
export type * from './identity/model.ts'
export { initialise, type Initialised } from './initialise.ts'
export {
  type KeyState,
  keyStates,
  type RevocationReason,
  revocationReasons,
  type VersionState,
  versionStates,
} from './keys/lifecycle.ts'
export type * from './keys/model.ts'
export { type AdminKeyDelivery, recoverAdministrator } from './recover-administrator.ts'
export { HeadIndex } from './records/head-index.ts'
export type { Doubtful } from './recovery/accept-loss.ts'
export { compareStore, type Compared, type Difference, differences } from './recovery/compare.ts'
export { type JournalHeads, readHeads } from './recovery/heads.ts'
export type * from './recovery/model.ts'
export type { Succession } from './recovery/new-origin.ts'
export { requireEmptyStore, restoreRecords } from './recovery/restore-records.ts'
export {
  noteSince,
  nothingSince,
  type Reapplied,
  type RestrictiveAct,
  type Since,
} from './recovery/restrictive-acts.ts'
export {
  type AcceptedLoss,
  acceptLoss,
  listMissingResident,
  openSuccessor,
  previousOf,
  reapplyAll,
} from './successor.ts'
export { ceremonyAction } from './audit/ceremonies.ts'
export type { SpanName, Spans } from './spans.ts'
export type { ListPage, ListQuery } from './list-page.ts'
export type * from './spaces/model.ts'
