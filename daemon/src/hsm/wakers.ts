/** Those who wait for something to change, each for so long and no longer. */
export class Wakers {
  readonly #wakers = new Set<() => void>()
  #ended = false

  /** Resolves when woken, the time is over, the signal aborts or this was ended: whichever is first. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#wakers.delete(wake)
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener('abort', wake, { once: true })
      this.#wakers.add(wake)
      if (this.#ended || signal?.aborted === true) wake()
    })
  }

  wake(): void {
    for (const wake of this.#wakers) wake()
  }

  /** Nobody waits from here on. */
  end(): void {
    this.#ended = true
    this.wake()
  }
}
