import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm, type Op, type SealedRef } from '@warder/contract'
import { isCurve, keyForms } from './algorithms.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Config } from './config.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'
import { cancelled } from './gate.ts'
import type { Keeper } from './keeper.ts'
import { readAttributes } from './objects.ts'
import type { SessionPool } from './session-pool.ts'
import { mismatch, rsaBits } from './spki.ts'
import { transitKey, unwrappedKey } from './templates.ts'
import type { WrappingKeys } from './wrapping-keys.ts'
import { unwrap } from './wrapping.ts'

export interface SealedKeyParts {
  readonly lib: Cryptoki
  readonly keeper: Keeper
  readonly pool: SessionPool
  readonly wrappers: WrappingKeys
  readonly alive: () => Promise<boolean>
}

interface Unwrapped {
  readonly handle: Promise<Handle>
  /** The handle once it is there. */
  ready: Handle | undefined
  users: number
  /** No longer in the cache: to be destroyed when the last user has done. */
  dropped: boolean
}

/**
 * Sealed keys, unwrapped into session objects of the keeper and kept for a while. A key is destroyed on the token when it
 * leaves the cache, by age or to make room, but never while somebody uses it. Callers of one blob share one unwrap, and a
 * blob that is refused takes no good key's place.
 */
export class SealedKeys {
  readonly #lib: Cryptoki
  readonly #keeper: Keeper
  readonly #pool: SessionPool
  readonly #wrappers: WrappingKeys
  readonly #alive: () => Promise<boolean>
  readonly #unwrapping = new Map<string, Unwrapped>()
  readonly #cache: LRUCache<string, Unwrapped>

  constructor({ lib, keeper, pool, wrappers, alive }: SealedKeyParts, limits: Config['cache']) {
    this.#lib = lib
    this.#keeper = keeper
    this.#pool = pool
    this.#wrappers = wrappers
    this.#alive = alive
    this.#cache = new LRUCache({
      max: limits.entries,
      ttl: limits.ttl * 1000,
      ttlAutopurge: true,
      dispose: key => {
        key.dropped = true
        this.#destroyIfUnused(key)
      },
    })
  }

  /**
   * Lends the unwrapped key to `fn`.
   * @throws WarderError `hsm-failed` when the blob is not one of this token's, always alike; `algorithm-mismatch` when it
   * holds a key of another algorithm.
   */
  async withKey<T>(ref: SealedRef, op: Op, fn: (handle: Handle) => Promise<T>): Promise<T> {
    const name = cacheName(ref)
    const key = this.#cache.get(name) ?? this.#unwrapping.get(name) ?? this.#begin(name, ref)
    // raised before anything can wait, so that the key cannot be destroyed in between
    key.users++
    try {
      return await fn(key.ready ?? (await unlessAborted(key.handle, op.signal)))
    } catch (error) {
      if (isHandleInvalid(error) && this.#cache.peek(name) === key) this.#cache.delete(name)
      throw error
    } finally {
      key.users--
      this.#destroyIfUnused(key)
    }
  }

  /**
   * Waits for unwraps that were begun, whose callers may have left, and destroys what is cached. Nothing may be on loan;
   * the keeper has done the destroying when it is closed after this.
   */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#unwrapping.values()].map(key => key.handle))
    this.#cache.clear()
  }

  #begin(name: string, ref: SealedRef): Unwrapped {
    const key: Unwrapped = { handle: this.#unwrapToUse(ref), ready: undefined, users: 0, dropped: false }
    this.#unwrapping.set(name, key)
    void this.#keep(name, key)
    return key
  }

  async #keep(name: string, key: Unwrapped): Promise<void> {
    try {
      key.ready = await key.handle
      this.#cache.set(name, key)
    } catch {
      // the callers get the error from the promise itself
    } finally {
      this.#unwrapping.delete(name)
    }
  }

  #destroyIfUnused(key: Unwrapped): void {
    const handle = key.ready
    if (!key.dropped || key.users > 0 || handle === undefined) return
    this.#keeper
      .exclusive(session => this.#lib.C_DestroyObject(session, handle))
      // gone with the login or the token: there is nothing left to destroy
      .catch(() => undefined)
  }

  /**
   * Lends the key to `fn` unwrapped anew, to be wrapped at once under another key: it can be used for nothing else.
   * @throws as {@link withKey}.
   */
  async inTransit<T>(ref: SealedRef, op: Op, fn: (session: Handle, key: Handle) => Promise<T>): Promise<T> {
    const wrapper = await this.#wrapperOf(ref)
    let unwrapped = false
    try {
      return await this.#pool.withSession(op, async session => {
        const key = await this.#unwrap(session, wrapper, ref, transitKey(ref.algorithm))
        unwrapped = true
        const result = await fn(session, key)
        this.#lib.C_DestroyObject(session, key)
        return result
      })
    } catch (error) {
      throw unwrapped ? error : await this.#explain(error)
    }
  }

  async #unwrapToUse(ref: SealedRef): Promise<Handle> {
    const wrapper = await this.#wrapperOf(ref)
    try {
      return await this.#keeper.exclusive(session =>
        this.#unwrap(session, wrapper, ref, unwrappedKey(ref.algorithm, ref.usage)),
      )
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  /** Asks the token once when the number is not known here: another process may have made it. */
  async #wrapperOf(ref: SealedRef): Promise<Handle> {
    if (!fits(ref)) throw rejected()
    let wrapper = this.#wrappers.get(ref)
    if (wrapper === undefined) {
      await this.#pool.withSession(unhurried, session => this.#wrappers.refresh(session))
      wrapper = this.#wrappers.get(ref)
    }
    if (wrapper === undefined) throw rejected()
    return wrapper
  }

  async #unwrap(session: Handle, wrapper: Handle, ref: SealedRef, template: Template): Promise<Handle> {
    const handle = await unwrap(this.#lib, session, wrapper, ref.blob, template)
    if (isOfAlgorithm(this.#lib, session, handle, ref.algorithm)) return handle
    this.#lib.C_DestroyObject(session, handle)
    throw mismatch(ref.algorithm)
  }

  async #explain(error: unknown): Promise<unknown> {
    const ckr = ckrOf(error)
    return ckr === undefined || meaningOf(ckr) === 'gone' || !(await this.#alive()) ? error : rejected(error)
  }
}

// an unwrap is shared by its callers: none of them ends it for the others
const unhurried: Op = { signal: new AbortController().signal }

/** How much wrapping adds to a secret key (RFC 5649), whose lengths here are multiples of 8. */
const wrappingBytes = 8

/** A secret key has one length; SoftHSM unwraps any, and does not tell of it. */
function fits({ algorithm, blob }: SealedRef): boolean {
  const form = keyForms[algorithm]
  return !('bytes' in form) || blob.length === form.bytes + wrappingBytes
}

function rejected(cause?: unknown): WarderError {
  return new WarderError('hsm-failed', 'the token does not accept this sealed key', {
    facts: { reason: 'sealed-key-rejected' },
    cause,
  })
}

function isOfAlgorithm(lib: Cryptoki, session: Handle, handle: Handle, algorithm: KeyAlgorithm): boolean {
  const form = keyForms[algorithm]
  if ('bytes' in form) return true
  if (form.family === 'rsa') {
    const [modulus] = readAttributes(lib, session, handle, [pkcs11js.CKA_MODULUS])
    return rsaBits(modulus) === form.bits
  }
  const [parameters] = readAttributes(lib, session, handle, [pkcs11js.CKA_EC_PARAMS])
  return isCurve(form, parameters)
}

function cacheName(ref: SealedRef): string {
  return `${ref.algorithm}.${ref.usage}.${ref.exportable}.${ref.rootKey}.${createHash('sha256').update(ref.blob).digest('base64')}`
}

// the unwrap is shared, so one caller's end must not end it for the others
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(cancelled(signal))
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled(signal))
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
