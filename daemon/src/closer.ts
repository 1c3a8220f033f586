/** A stack of what was opened. Closing runs in reverse, runs all of it, and reports every failure. */
export class Closer implements AsyncDisposable {
  readonly #stack: (() => Promise<unknown>)[] = []

  push<T extends AsyncDisposable>(opened: T): T {
    this.defer(() => Promise.resolve(opened[Symbol.asyncDispose]()))
    return opened
  }

  defer(close: () => Promise<unknown>): void {
    this.#stack.push(close)
  }

  /** Idempotent. @throws AggregateError when any part failed to close; the others are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = []
    for (let close = this.#stack.pop(); close !== undefined; close = this.#stack.pop()) {
      try {
        await close()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed')
  }
}
