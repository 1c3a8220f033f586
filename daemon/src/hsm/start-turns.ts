import { settledWithin } from '../settled-within.ts'

/**
 * Whose turn it is to start a host. Those of one token start one after another, in the order they were asked for; those of
 * several tokens too, except that a slow one is not waited for without end.
 */
export class StartTurns {
  readonly #turnMs: number
  /** The last start of each token. */
  readonly #ofToken: Promise<void>[]
  /** The start under way, of whichever token, or too slow to be waited for. */
  #turn: Promise<void> = Promise.resolve()

  /** `turnMs`: for how long a start holds up those of other tokens. A token that hangs takes longer. */
  constructor(tokens: number, turnMs = 3000) {
    this.#turnMs = turnMs
    this.#ofToken = Array.from({ length: tokens }, () => Promise.resolve())
  }

  take(token: number, start: () => Promise<void>): void {
    this.#ofToken[token] = this.#ofToken[token]!.then(() => this.#inTurn(start))
  }

  /** Resolves when all starts asked for have come to an end. */
  async ended(): Promise<void> {
    await Promise.all(this.#ofToken)
  }

  #inTurn(start: () => Promise<void>): Promise<void> {
    const before = this.#turn
    const started = before.then(start)
    this.#turn = before.then(() => (this.#ofToken.length === 1 ? started : settledWithin(this.#turnMs, started)))
    return started
  }
}
