import type { Cryptoki, Handle } from './cryptoki.ts'
import { Gate } from './gate.ts'
import { closeSession } from './session-pool.ts'

// CK_STATE (PKCS#11 v2.40 section 3.3)
const roUser = 1
const rwUser = 3

/**
 * The session that owns the login and the unwrapped keys: session objects die with the session that made them, so this
 * one stays open for the provider's life. It runs one call at a time, and only calls that begin no operation
 * (C_UnwrapKey, C_DestroyObject): one that fails leaves nothing active, so it need not be closed, which would cost every key it holds.
 */
export class Keeper {
  readonly #lib: Cryptoki
  readonly #session: Handle
  readonly #gate = new Gate(1)

  constructor(lib: Cryptoki, session: Handle) {
    this.#lib = lib
    this.#session = session
  }

  exclusive<T>(fn: (session: Handle) => T | Promise<T>): Promise<T> {
    return this.#gate.run(undefined, () => fn(this.#session))
  }

  /** What the token says. @throws the binding's error when the session is gone. */
  loggedIn(): boolean {
    const { state } = this.#lib.C_GetSessionInfo(this.#session)
    return state === roUser || state === rwUser
  }

  /** Waits for what was begun, then closes the session; its objects and the login go with it. */
  close(): Promise<void> {
    return this.exclusive(session => closeSession(this.#lib, session))
  }
}
