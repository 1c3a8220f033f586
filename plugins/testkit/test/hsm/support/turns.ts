import { WarderError } from '@warder/contract'

export function cancelled(signal: AbortSignal): WarderError {
  return new WarderError('cancelled', 'the call was cancelled', { cause: signal.reason })
}

/** Test-only reference: one call at a time, in the order they came; a signal ends the waiting. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(signal: AbortSignal, fn: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      if (signal.aborted) throw cancelled(signal)
      return fn()
    })
    // another turn of the event loop, so that signals and callers get theirs
    this.#last = turn.then(later, later)
    return turn
  }

  async drained(): Promise<void> {
    await this.#last
  }
}

function later(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
