export type { EventDraft, JournalRecord, WriteDigest } from './audit/event.ts'
export type { AppendFile, JournalFiles } from './audit/files.ts'
export { type JournalReport, readJournal } from './audit/read.ts'
export * from './call.ts'
export { createEngine, type Ports } from './engine.ts'
export type * from './engine-api.ts'
export type * from './identity/model.ts'
export { type AdminKeyDelivery, initialise, type Initialised } from './initialise.ts'
export {
  type KeyState,
  keyStates,
  type RevocationReason,
  revocationReasons,
  type VersionState,
  versionStates,
} from './keys/lifecycle.ts'
export type * from './keys/model.ts'
export type { ListPage, ListQuery } from './list-page.ts'
export type * from './spaces/model.ts'
