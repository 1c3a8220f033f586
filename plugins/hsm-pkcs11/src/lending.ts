import { WarderError, type KeyPurpose, type KeyRef, type Op, type ResidentRef } from '@warder/contract'
import { isHandleInvalid } from './ckr.ts'
import type { Handle } from './cryptoki.ts'
import type { Guard } from './guard.ts'
import { isIdentity } from './identity.ts'
import { requireUsage } from './purposes.ts'
import { keyMissing, type ResidentKey, type ResidentKeys } from './resident-keys.ts'
import type { SealedKeys } from './sealed-keys.ts'
import type { SessionPool } from './session-pool.ts'

/** Lends the keys of both custodies, each with a session for one operation, to what it was made for and nothing else. */
export class Lending {
  readonly #pool: SessionPool
  readonly #sealed: SealedKeys
  readonly #residents: ResidentKeys
  readonly #guard: Guard

  constructor(parts: { pool: SessionPool; sealed: SealedKeys; residents: ResidentKeys }, guard: Guard) {
    this.#pool = parts.pool
    this.#sealed = parts.sealed
    this.#residents = parts.residents
    this.#guard = guard
  }

  /**
   * A resident key is what its own attributes say, not what the reference does; a sealed one is unwrapped for this use only.
   * @throws WarderError `usage-not-allowed`, `algorithm-mismatch`, `hsm-key-missing`, or `hsm-failed` for a blob that is not
   * one of this token's.
   */
  async withKey<T>(
    ref: KeyRef,
    usage: KeyPurpose,
    op: Op,
    fn: (session: Handle, key: Handle) => T | Promise<T>,
  ): Promise<T> {
    requireUsage(ref, usage)
    if (ref.custody === 'sealed') {
      return this.#sealed.withKey(ref, op, key => this.#pool.withSession(op, session => fn(session, key)))
    }
    requireId(ref.id)
    this.#residents.requireHere(ref)
    const key = this.#residents.cached(ref.id) ?? (await this.#find(ref, op))
    if (key === undefined) throw keyMissing(ref.id, 'not on the token')
    requireAgreement(ref, key)
    try {
      return await this.#pool.withSession(op, session => fn(session, key.handle))
    } catch (error) {
      if (isHandleInvalid(error)) await this.#explainLostHandle(ref, op, error)
      throw error
    }
  }

  /** `undefined` only when a living token does not have the key. @throws as {@link withKey}. */
  async locate(ref: ResidentRef, op: Op): Promise<ResidentKey | undefined> {
    requireId(ref.id)
    this.#residents.requireHere(ref)
    const key = await this.#find(ref, op)
    if (key !== undefined) requireAgreement(ref, key)
    return key
  }

  async #find(ref: ResidentRef, op: Op): Promise<ResidentKey | undefined> {
    const key = await this.#pool.withSession(op, session => this.#residents.locate(session, ref.id))
    if (key === undefined) await this.#guard.confirmAlive()
    return key
  }

  // nothing was done with the key, and it is not tried again; the next call finds it under its new handle
  async #explainLostHandle(ref: ResidentRef, op: Op, cause: unknown): Promise<void> {
    this.#residents.distrust(ref.id)
    if ((await this.#find(ref, op)) === undefined) throw keyMissing(ref.id, 'no longer on the token', cause)
  }
}

export function requireId(id: string): void {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError('the id must be 32 lower-case hexadecimal digits')
}

function requireAgreement(ref: ResidentRef, key: ResidentKey): void {
  if (key.algorithm !== ref.algorithm) {
    throw new WarderError('algorithm-mismatch', 'the key on the token is of another algorithm', {
      facts: { keyAlgorithm: key.algorithm, algorithm: ref.algorithm },
    })
  }
  requireUsage(key, ref.usage)
  if (ref.identity !== undefined && !isIdentity(key.identity, ref.identity)) {
    throw keyMissing(ref.id, 'another key has this id')
  }
}
