/**
 * - `ok`: looked at, and well. `note`: to know, nothing to do. `warning`: goes wrong later, or is less than it should be.
 * - `problem`: does not work, or is unsafe.
 * - `not-checked`: could not be looked at, with the reason; it says nothing about what is there.
 */
export const findingStatuses = ['ok', 'note', 'warning', 'problem', 'not-checked'] as const
export type FindingStatus = (typeof findingStatuses)[number]

/** One thing that a self-test looked at. Plain JSON, for an operator: paths and names, never a secret. */
export interface SelfTestFinding {
  /** A few words that stay the same, such as `session limit`. */
  readonly check: string
  readonly status: FindingStatus
  /** What was found, or why it was not looked at. */
  readonly found: string
  /** Why that matters, as a clause; present unless all is well. */
  readonly why?: string
  /** The command that mends it, or the setting to change. Present for every `problem`. */
  readonly fix?: string
}
