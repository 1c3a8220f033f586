import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm, type Op, type ProviderFigures, type SealedRef } from '@warder/contract'
import { isCurve, keyForms } from './algorithms.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Config } from './config.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'
import { cancelled } from './gate.ts'
import type { Keeper } from './keeper.ts'
import type { Mechanisms } from './mechanisms.ts'
import { readAttributes } from './objects.ts'
import { identityOf, isOnRecord } from './on-record.ts'
import { notInitialised } from './root-keys.ts'
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
  readonly mechanisms: Mechanisms
  readonly alive: () => Promise<boolean>
}

interface Unwrapped {
  readonly handle: Promise<Handle>
  /** The handle once it is there. */
  ready: Handle | undefined
  users: number
  /** Not in the cache, or no longer: to be destroyed when the last user has done. */
  dropped: boolean
}

interface Names {
  /** In the cache. */
  readonly name: string
  readonly blob: string
}

/**
 * Sealed keys, unwrapped into session objects of the keeper and kept for a while. A key is destroyed on the token when it
 * leaves the cache, by age, to make room or when it is forgotten, but never while somebody uses it. Callers of one blob
 * share one unwrap, and a blob that is refused, or holds another key than the one on record, takes no good key's place.
 */
export class SealedKeys {
  readonly #lib: Cryptoki
  readonly #keeper: Keeper
  readonly #pool: SessionPool
  readonly #wrappers: WrappingKeys
  readonly #mechanisms: Mechanisms
  readonly #alive: () => Promise<boolean>
  readonly #unwrapping = new Map<string, Unwrapped>()
  /** Unwraps that have not ended, whether somebody may still join them or not. */
  readonly #begun = new Set<Promise<unknown>>()
  /** By the names of their blobs. A use that was under way meanwhile does not bring them back. */
  readonly #forgotten = new LRUCache<string, true>({ max: 4096, ttl: forgottenMs })
  readonly #cache: LRUCache<string, Unwrapped>
  /** Of references that are in use: the calls of one run share one. */
  readonly #names = new WeakMap<SealedRef, Names>()
  readonly #counts = { hits: 0, misses: 0, evictions: 0 }

  constructor({ lib, keeper, pool, wrappers, mechanisms, alive }: SealedKeyParts, limits: Config['cache']) {
    this.#lib = lib
    this.#keeper = keeper
    this.#pool = pool
    this.#wrappers = wrappers
    this.#mechanisms = mechanisms
    this.#alive = alive
    this.#cache = new LRUCache({
      max: limits.entries,
      ttl: limits.ttl * 1000,
      ttlAutopurge: true,
      dispose: (key, _, reason) => {
        if (reason === 'evict') this.#counts.evictions++
        key.dropped = true
        this.#destroyIfUnused(key)
      },
    })
  }

  /**
   * Lends the unwrapped key to `fn`.
   * @throws WarderError `hsm-failed` when the blob is not one of this token's, or not of the key on record, always alike;
   * `algorithm-mismatch` when it holds a key of another algorithm.
   */
  async withKey<T>(ref: SealedRef, op: Op, fn: (handle: Handle) => Promise<T>): Promise<T> {
    const { name, blob } = this.#namesOf(ref)
    const kept = this.#cache.get(name) ?? this.#unwrapping.get(name)
    const key = kept ?? this.#begin(name, blob, ref)
    this.#counts[kept === undefined ? 'misses' : 'hits']++
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

  figures(): ProviderFigures['cache'] {
    return { ...this.#counts, entries: this.#cache.size, unwrapping: this.#unwrapping.size }
  }

  /** Resolves when no object of this key is left on the token but those in use, which go with their last user. */
  async forget(ref: SealedRef): Promise<void> {
    const blob = blobName(ref)
    this.#forgotten.set(blob, true)
    for (const held of [this.#cache, this.#unwrapping]) {
      for (const name of [...held.keys()].filter(each => each.startsWith(blob))) held.delete(name)
    }
    // its turns are in order: what was to be destroyed is, when this one comes
    await this.#keeper.exclusive(() => undefined)
  }

  /**
   * Waits for unwraps that were begun, whose callers may have left, and destroys what is cached. Nothing may be on loan;
   * the keeper has done the destroying when it is closed after this.
   */
  async close(): Promise<void> {
    await Promise.allSettled(this.#begun)
    this.#cache.clear()
  }

  #namesOf(ref: SealedRef): Names {
    let names = this.#names.get(ref)
    if (names === undefined) {
      const blob = blobName(ref)
      names = { blob, name: cacheName(ref, blob) }
      this.#names.set(ref, names)
    }
    return names
  }

  #begin(name: string, blob: string, ref: SealedRef): Unwrapped {
    const key: Unwrapped = { handle: this.#unwrapToUse(ref), ready: undefined, users: 0, dropped: false }
    this.#unwrapping.set(name, key)
    const kept = this.#keep(name, blob, key).finally(() => this.#begun.delete(kept))
    this.#begun.add(kept)
    return key
  }

  async #keep(name: string, blob: string, key: Unwrapped): Promise<void> {
    try {
      key.ready = await key.handle
      if (this.#forgotten.has(blob)) {
        key.dropped = true
        this.#destroyIfUnused(key)
      } else {
        this.#cache.set(name, key)
      }
    } catch {
      // the callers get the error from the promise itself
    } finally {
      if (this.#unwrapping.get(name) === key) this.#unwrapping.delete(name)
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
      const handle = await this.#keeper.exclusive(session =>
        this.#unwrap(session, wrapper, ref, unwrappedKey(ref.algorithm, ref.usage)),
      )
      await this.#requireOnRecord(ref, handle)
      return handle
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  /** In a session of the pool, for it may leave an operation active. */
  async #requireOnRecord(ref: SealedRef, handle: Handle): Promise<void> {
    const identity = identityOf(ref)
    if (identity === undefined) return
    try {
      const same = await this.#pool.withSession(unhurried, session =>
        isOnRecord(this.#lib, session, handle, ref, identity, this.#mechanisms),
      )
      if (!same) throw rejected()
    } catch (error) {
      await this.#keeper.exclusive(session => this.#lib.C_DestroyObject(session, handle)).catch(() => undefined)
      throw error
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
    if (wrapper !== undefined) return wrapper
    throw this.#wrappers.generations.length === 0 ? notInitialised('warder/kek', 'missing') : rejected()
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

/** Longer than any use of a sealed key takes. */
const forgottenMs = 10_000

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

function blobName({ blob }: SealedRef): string {
  return createHash('sha256').update(blob).digest('base64')
}

/** Begins with the name of the blob. What was seen to be the key on record is that for this record only. */
function cacheName({ algorithm, usage, exportable, rootKey, spki, checkValue }: SealedRef, blob: string): string {
  const identity = spki ?? checkValue
  const record = identity === undefined ? '' : createHash('sha256').update(identity).digest('base64')
  return `${blob}.${algorithm}.${usage}.${exportable}.${rootKey}.${record}`
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
