import { WarderError, type Op } from '@warder/contract'
import { ckrOf, meaningOf, toWarderError } from './ckr.ts'
import { cancelled } from './gate.ts'

/**
 * Stands before every call of a provider: turns calls away once it is closing or broken, counts those under way so that
 * closing can wait for them, and gives errors their type.
 *
 * *Broken* is for good. When the device, the session or the login is lost, nothing here logs in again: all calls answer
 * `hsm-unavailable`, health says so, and whoever runs this process is to end it and start another, which
 * finds its keys and logs in from the beginning. A half-recovered module is the harder thing to trust.
 */
export class Guard {
  readonly #alive: () => Promise<boolean>
  #closing = false
  #broken: WarderError | undefined
  #running = 0
  #drained: (() => void) | undefined

  constructor(alive: () => Promise<boolean>) {
    this.#alive = alive
  }

  get broken(): WarderError | undefined {
    return this.#broken
  }

  /** The operation is never repeated: what it threw, typed, is what the caller gets. */
  async run<T>(op: Op, fn: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new WarderError('hsm-unavailable', 'the HSM provider is closed')
    this.#throwIfBroken()
    if (op.signal.aborted) throw cancelled(op.signal)
    this.#running++
    try {
      return await fn()
    } catch (error) {
      throw await this.#explain(error)
    } finally {
      this.#running--
      if (this.#running === 0) this.#drained?.()
    }
  }

  /** For a finding that means nothing on a dead token, such as the absence of an object. */
  async confirmAlive(): Promise<void> {
    if (await this.#alive()) return
    this.#break('the token does not answer as it did', undefined)
    this.#throwIfBroken()
  }

  /** Admits no more calls and resolves when those under way have ended. */
  async drain(): Promise<void> {
    this.#closing = true
    if (this.#running > 0) await new Promise<void>(resolve => (this.#drained = resolve))
  }

  async #explain(error: unknown): Promise<Error> {
    const ckr = ckrOf(error)
    if (ckr !== undefined) {
      const meaning = meaningOf(ckr)
      if (meaning === 'gone' || (meaning === 'ambiguous' && !(await this.#alive()))) {
        return this.#break(`the token answered ${ckr}`, error, { ckr })
      }
    }
    return toWarderError(error)
  }

  #break(message: string, cause: unknown, facts: { readonly ckr?: string } = {}): WarderError {
    this.#broken ??= new WarderError('hsm-unavailable', message, { facts, cause })
    return new WarderError('hsm-unavailable', message, { facts, cause })
  }

  #throwIfBroken(): void {
    if (this.#broken === undefined) return
    const { message, facts, cause } = this.#broken
    throw new WarderError('hsm-unavailable', message, { facts, cause })
  }
}
