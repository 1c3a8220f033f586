/** One claim of a contract and how to check it. Any test runner can register it: `it(name, run)`. */
export interface ConformanceCase {
  /** Reads as a sentence; unique within its suite. */
  readonly name: string
  /** How long a slow machine may need, in milliseconds. */
  readonly timeout: number
  /** Rejects with an `AssertionError`, or with what the subject threw, when the claim does not hold. */
  readonly run: () => Promise<void>
}

/** Cases by the sentence that names them. */
export type CaseTable = Readonly<Record<string, () => Promise<void>>>
