import { WarderError } from '@warder/contract'

/** So many answers in a row that the token is gone, and it is believed. */
export const faultsToOpen = 5

/**
 * Whether a host is to be given calls. A host whose token is gone answers at once, so it would be the idlest of all and be
 * given every call. Opened by faults of the token alone: nothing that a caller could send does it.
 */
export class Breaker {
  #faults = 0

  get open(): boolean {
    return this.#faults >= faultsToOpen
  }

  /** What the host answered a call with, or `undefined` when it did it. True when this has opened it. */
  answered(error: Error | undefined): boolean {
    // only a probe closes it again: what was begun before may still come out well
    if (this.open) return false
    if (error === undefined) this.#faults = 0
    else if (WarderError.is(error, 'hsm-unavailable')) this.#faults++
    return this.open
  }

  reset(): void {
    this.#faults = 0
  }
}
