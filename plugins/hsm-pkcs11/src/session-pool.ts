import pkcs11js from 'pkcs11js'
import type { Op, ProviderFigures } from '@warder/contract'
import { ckrOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { Gate } from './gate.ts'

export const readWrite = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION

/**
 * Sessions for one operation at a time each, opened when needed, at most `max` at once. They share the keeper's login. What a
 * token says of its limit is said to each of its users as if it were the only one: when it refuses a session while others are
 * on loan here, there are no more of them from then on, and who asked waits for one of those.
 */
export class SessionPool {
  readonly #lib: Cryptoki
  readonly #slot: Handle
  readonly #gate: Gate
  readonly #idle: Handle[] = []
  #onLoan = 0

  constructor(lib: Cryptoki, slot: Handle, max: number) {
    this.#lib = lib
    this.#slot = slot
    this.#gate = new Gate(max)
  }

  figures(): ProviderFigures['sessions'] {
    const { running: inUse, waiting } = this.#gate
    return { open: inUse + this.#idle.length, inUse, waiting }
  }

  /**
   * Lends a session to `fn` alone. Waits in line for one; the signal ends the waiting.
   * After any error the session is closed, not lent again: its operation may still be active on the token.
   */
  async withSession<T>(op: Op, fn: (session: Handle) => T | Promise<T>): Promise<T> {
    for (;;) {
      const lent = await this.#gate.run(op.signal, () => this.#lend(fn))
      if (lent !== undefined) return lent.result
    }
  }

  /** `undefined` when the token has no more sessions to give, and some are on loan. */
  async #lend<T>(fn: (session: Handle) => T | Promise<T>): Promise<{ readonly result: T } | undefined> {
    const session = this.#idle.pop() ?? this.#open()
    if (session === undefined) return undefined
    this.#onLoan++
    try {
      const result = await fn(session)
      this.#idle.push(session)
      return { result }
    } catch (error) {
      closeSession(this.#lib, session)
      throw error
    } finally {
      this.#onLoan--
    }
  }

  #open(): Handle | undefined {
    try {
      return this.#lib.C_OpenSession(this.#slot, readWrite)
    } catch (error) {
      if (this.#onLoan === 0 || ckrOf(error) !== 'CKR_SESSION_COUNT') throw error
      this.#gate.narrow(this.#onLoan)
      return undefined
    }
  }

  /** Closes the idle sessions. Nothing may be on loan. */
  close(): void {
    for (const session of this.#idle.splice(0)) closeSession(this.#lib, session)
  }
}

/** Closes a session that may be gone already: then there is nothing left to close. */
export function closeSession(lib: Cryptoki, session: Handle): void {
  try {
    lib.C_CloseSession(session)
  } catch {
    // the token has closed it before us
  }
}
