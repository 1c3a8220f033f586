import type { TokenSet } from './known-tokens.ts'

/** How long calls wait for a host after the last one was lost. From then on they are refused at once. */
const graceMs = 1000
/** The same, while a host is being replaced: it has opened its token before. */
const passingMs = 10_000

interface Absence {
  since: number
  patienceMs: number
}

/** Since when each token has had no host that can be used, and how long what waits for it has patience. */
export class Absences {
  readonly #of: readonly Absence[]

  constructor(tokens: number) {
    this.#of = Array.from({ length: tokens }, () => ({ since: performance.now(), patienceMs: graceMs }))
  }

  begin(token: number): void {
    Object.assign(this.#of[token]!, { since: performance.now(), patienceMs: graceMs })
  }

  /** A host of it is on its way. */
  willPass(token: number): void {
    this.#of[token]!.patienceMs = passingMs
  }

  /** When what waits for any of these tokens has waited long enough. */
  endOfPatience(tokens: TokenSet): number {
    const ends = this.#of.map(({ since, patienceMs }, token) =>
      (tokens & (1 << token)) === 0 ? 0 : since + patienceMs,
    )
    return Math.max(...ends)
  }
}
