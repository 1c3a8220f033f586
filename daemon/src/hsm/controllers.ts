import { getEventListeners } from 'node:events'

/** Kept for the next calls. */
const most = 64

/**
 * AbortControllers that are used again: making one costs as much as all else that a host does for a call, and hardly any is
 * ever aborted. One that was, or that somebody still listens to, is not.
 */
export class Controllers {
  readonly #idle: AbortController[] = []

  take(): AbortController {
    return this.#idle.pop() ?? new AbortController()
  }

  /** Of a call that has ended. */
  giveBack(controller: AbortController): void {
    const { signal } = controller
    if (this.#idle.length === most || signal.aborted || getEventListeners(signal, 'abort').length > 0) return
    this.#idle.push(controller)
  }
}
