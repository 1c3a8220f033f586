export interface Awaited {
  readonly endsAt: number
  readonly expire: () => void
}

/**
 * Deadlines that are all the same time away: they pass in the order they were set, so one timer, for the first of them, does
 * for all.
 */
export class Deadlines {
  readonly #ms: number
  readonly #waiting = new Set<Awaited>()
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
  }

  /** Calls `expire` when the time is over, unless what this returns is lifted before. */
  set(expire: () => void): Awaited {
    const awaited = { endsAt: performance.now() + this.#ms, expire }
    this.#waiting.add(awaited)
    if (this.#timer === undefined) this.#wait(this.#ms)
    return awaited
  }

  lift(awaited: Awaited): void {
    this.#waiting.delete(awaited)
  }

  /** Does not keep the process alive: a connection does, while anyone waits for an answer. */
  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#pass(), ms).unref()
  }

  #pass(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const awaited of this.#waiting) {
      if (awaited.endsAt > now) return this.#wait(Math.ceil(awaited.endsAt - now))
      this.#waiting.delete(awaited)
      awaited.expire()
    }
  }
}
