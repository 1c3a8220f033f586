import type { Config } from '../config/schema.ts'
import type { JournalFacts } from './journal-facts.ts'
import type { Machine } from './machine.ts'

/** What every check gets. */
export interface DoctorContext {
  /** The configuration's main file. */
  readonly file: string
  readonly config: Config
  readonly machine: Machine
  readonly now: Date
  /** Reads the whole journal, once however often it is asked for. */
  journal(): Promise<JournalFacts>
}
