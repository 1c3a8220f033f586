import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm, type KeyRef, type Op } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Config } from './config.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { cancelled } from './gate.ts'
import { unwrap } from './generate-key.ts'
import type { Keeper } from './keeper.ts'
import { readAttributes } from './objects.ts'
import type { RootKeys } from './root-keys.ts'
import { mismatch, rsaBits } from './spki.ts'
import { unwrappedKey } from './templates.ts'

export type SealedRef = KeyRef & { readonly custody: 'sealed' }

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
  readonly #keks: RootKeys
  readonly #alive: () => Promise<boolean>
  readonly #unwrapping = new Map<string, Unwrapped>()
  readonly #cache: LRUCache<string, Unwrapped>

  constructor(lib: Cryptoki, keeper: Keeper, keks: RootKeys, alive: () => Promise<boolean>, limits: Config['cache']) {
    this.#lib = lib
    this.#keeper = keeper
    this.#keks = keks
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
    const key: Unwrapped = { handle: this.#unwrap(ref), ready: undefined, users: 0, dropped: false }
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

  async #unwrap(ref: SealedRef): Promise<Handle> {
    const kek = this.#keks.get(ref.rootKey)
    if (kek === undefined) throw rejected()
    try {
      return await this.#keeper.exclusive(async session => {
        const handle = await unwrap(this.#lib, session, kek, ref.blob, unwrappedKey(ref.algorithm))
        if (!isOfAlgorithm(this.#lib, session, handle, ref.algorithm)) {
          this.#lib.C_DestroyObject(session, handle)
          throw mismatch(ref.algorithm)
        }
        return handle
      })
    } catch (error) {
      const ckr = ckrOf(error)
      if (ckr === undefined || meaningOf(ckr) === 'gone' || !(await this.#alive())) throw error
      throw rejected(error)
    }
  }
}

function rejected(cause?: unknown): WarderError {
  return new WarderError('hsm-failed', 'the token does not accept this sealed key', {
    facts: { reason: 'sealed-key-rejected' },
    cause,
  })
}

function isOfAlgorithm(lib: Cryptoki, session: Handle, handle: Handle, algorithm: KeyAlgorithm): boolean {
  const form = keyForms[algorithm]
  if (form.family === 'rsa') {
    const [modulus] = readAttributes(lib, session, handle, [pkcs11js.CKA_MODULUS])
    return rsaBits(modulus) === form.bits
  }
  const [parameters] = readAttributes(lib, session, handle, [pkcs11js.CKA_EC_PARAMS])
  return parameters.equals(form.parameters)
}

function cacheName(ref: SealedRef): string {
  return `${ref.algorithm}.${ref.rootKey}.${createHash('sha256').update(ref.blob).digest('base64')}`
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
