import pkcs11js from 'pkcs11js'
import type { Op } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { Gate } from './gate.ts'

export const readWrite = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION

/** Sessions for one operation at a time each, opened when needed, at most `max` at once. They share the keeper's login. */
export class SessionPool {
  readonly #lib: Cryptoki
  readonly #slot: Handle
  readonly #gate: Gate
  readonly #idle: Handle[] = []

  constructor(lib: Cryptoki, slot: Handle, max: number) {
    this.#lib = lib
    this.#slot = slot
    this.#gate = new Gate(max)
  }

  /**
   * Lends a session to `fn` alone. Waits in line for one; the signal ends the waiting.
   * After any error the session is closed, not lent again: its operation may still be active on the token.
   */
  withSession<T>(op: Op, fn: (session: Handle) => T | Promise<T>): Promise<T> {
    return this.#gate.run(op.signal, async () => {
      const session = this.#idle.pop() ?? this.#lib.C_OpenSession(this.#slot, readWrite)
      try {
        const result = await fn(session)
        this.#idle.push(session)
        return result
      } catch (error) {
        closeSession(this.#lib, session)
        throw error
      }
    })
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
