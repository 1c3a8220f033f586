import { getEventListeners, setMaxListeners } from 'node:events'

const stay = (): void => {}

/**
 * Abort signals that nobody needs any more and nobody aborted, for the next requests or calls: to make one and its first
 * listener takes Node 20 about 10 µs, to find that it can be used again less than one.
 */
export class SignalPool {
  readonly #kept: AbortController[] = []
  readonly #most: number

  /** `most`: as many as may be in use at once; what is given beyond goes. */
  constructor(most: number) {
    this.#most = most
  }

  take(): AbortController {
    const kept = this.#kept.pop()
    if (kept !== undefined) return kept
    const controller = new AbortController()
    const { signal } = controller
    // each item of a batch listens
    setMaxListeners(0, signal)
    // Without it, the first listener of each request would make the signal's list of them anew: see in-order.ts for what that
    // does to a hash table that has become old.
    signal.addEventListener('abort', stay)
    return controller
  }

  /** One that was aborted, or that somebody still listens to, is not used again. */
  give(controller: AbortController): void {
    const { signal } = controller
    if (this.#kept.length >= this.#most || signal.aborted || getEventListeners(signal, 'abort').length > 1) return
    this.#kept.push(controller)
  }
}
