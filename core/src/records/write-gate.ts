/** Lets work through side by side, and can hold all of it back for a moment. */
export class WriteGate {
  #inside = 0
  /** While it is shut: resolves when it opens. */
  #shut: Promise<void> | undefined
  #emptied: (() => void) | undefined

  /** Runs `work`, after a pause that is on. Not to be called inside itself or inside {@link pause}. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#shut !== undefined) await this.#shut
    this.#inside++
    try {
      return await work()
    } finally {
      this.#inside--
      if (this.#inside === 0) this.#emptied?.()
    }
  }

  /** Runs `work` when what was let through has ended, and while nothing else is let through. One pause at a time. */
  async pause<T>(work: () => Promise<T>): Promise<T> {
    while (this.#shut !== undefined) await this.#shut
    let open = (): void => undefined
    this.#shut = new Promise(resolve => (open = resolve))
    try {
      if (this.#inside > 0) await new Promise<void>(resolve => (this.#emptied = resolve))
      return await work()
    } finally {
      this.#emptied = undefined
      this.#shut = undefined
      open()
    }
  }
}
