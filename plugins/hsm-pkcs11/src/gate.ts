import { WarderError } from '@warder/contract'

export function cancelled(signal: AbortSignal): WarderError {
  return new WarderError('cancelled', 'the call was cancelled', { cause: signal.reason })
}

/** Lets at most `limit` functions run at once; the rest wait in the order they came. */
export class Gate {
  #limit: number
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** The signal ends the waiting, never the function. @throws WarderError `cancelled` when it ended the waiting. */
  async run<T>(signal: AbortSignal | undefined, fn: () => T | Promise<T>): Promise<T> {
    if (signal?.aborted) throw cancelled(signal)
    if (this.#running >= this.#limit) await this.#turn(signal)
    else this.#running++
    try {
      return await fn()
    } finally {
      this.#next()
    }
  }

  /** From now on at most `limit` may enter; those inside are left to finish. */
  narrow(limit: number): void {
    this.#limit = Math.min(this.#limit, limit)
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiting.delete(enter)
        reject(cancelled(signal as AbortSignal))
      }
      this.#waiting.add(enter)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  // a place passes straight to the next in line, so that a newcomer cannot overtake
  #next(): void {
    const [first] = this.#waiting
    if (first === undefined || this.#running > this.#limit) this.#running--
    else {
      this.#waiting.delete(first)
      first()
    }
  }
}
