import { InOrder, type Place } from '../in-order.ts'

interface Awaited {
  readonly endsAt: number
  readonly expire: () => void
}

export type Deadline = Place<Awaited>

/**
 * Deadlines that are all the same time away: they pass in the order they were set, so one timer, for the first of them, does
 * for all.
 */
export class Deadlines {
  readonly #ms: number
  readonly #waiting = new InOrder<Awaited>()
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.#ms = ms
  }

  /** Calls `expire` when the time is over, unless what this returns is lifted before. */
  set(expire: () => void): Deadline {
    if (this.#timer === undefined) this.#wait(this.#ms)
    return this.#waiting.add({ endsAt: performance.now() + this.#ms, expire })
  }

  lift(deadline: Deadline): void {
    this.#waiting.remove(deadline)
  }

  /** Does not keep the process alive: a connection does, while anyone waits for an answer. */
  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#pass(), ms).unref()
  }

  #pass(): void {
    this.#timer = undefined
    const now = performance.now()
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      if (next.endsAt > now) return this.#wait(Math.ceil(next.endsAt - now))
      this.#waiting.takeFirst()
      next.expire()
    }
  }
}
