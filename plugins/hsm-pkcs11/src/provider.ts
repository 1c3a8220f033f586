import {
  WarderError,
  type GeneratedKey,
  type Health,
  type KeyProvider,
  type KeyRef,
  type KeySpec,
  type Op,
  type SignatureAlgorithm,
  type TokenCapabilities,
} from '@warder/contract'
import { keyForms } from './algorithms.ts'
import type { Canary } from './canary.ts'
import type { Capabilities } from './capabilities.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Cryptoki } from './cryptoki.ts'
import { Gate } from './gate.ts'
import { generateResident, generateSealed } from './generate-key.ts'
import { Guard } from './guard.ts'
import type { Keeper } from './keeper.ts'
import { keyMissing, type ResidentKey, type ResidentKeys } from './resident-keys.ts'
import type { RootKeys } from './root-keys.ts'
import type { SealedKeys } from './sealed-keys.ts'
import type { SessionPool } from './session-pool.ts'
import { signInput, signWith } from './sign.ts'
import { isStoreSecret, openStoreSecret, sealStoreSecret, storeSecretRejected } from './store-secret.ts'

type ResidentRef = KeyRef & { readonly custody: 'resident' }

/** What `open` has made, all of it on one token; the provider closes it. */
export interface Parts {
  readonly lib: Cryptoki
  readonly pool: SessionPool
  readonly keeper: Keeper
  readonly canary: Canary
  readonly capabilities: Capabilities
  readonly keks: RootKeys
  readonly stores: RootKeys
  readonly residents: ResidentKeys
  readonly sealed: SealedKeys
  /** Finalises the module. */
  closeModule(): void
}

/**
 * One PKCS#11 token as a KeyProvider. `op.signal` ends the waiting for a session or for another caller's unwrap; a call
 * the token has begun cannot be ended, and runs out.
 */
export class Pkcs11Provider implements KeyProvider {
  readonly #parts: Parts
  readonly #guard: Guard
  readonly #generations = new Gate(2)
  #closed: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#guard = new Guard(() => parts.canary.alive())
  }

  async health(op: Op): Promise<Health> {
    try {
      await this.#guard.run(op, () => this.#guard.confirmAlive())
      const { label, serial } = this.#parts.capabilities.published.token
      return { ok: true, detail: `token ${label} (${serial}) answers` }
    } catch (error) {
      if (WarderError.is(error, 'cancelled')) throw error
      return { ok: false, detail: error instanceof Error ? error.message : 'the token failed' }
    }
  }

  capabilities(op: Op): Promise<TokenCapabilities> {
    return this.#guard.run(op, () => Promise.resolve(this.#parts.capabilities.published))
  }

  generate(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    return this.#guard.run(op, () => {
      requireId(spec.id)
      if (keyForms[spec.algorithm] === undefined) throw new TypeError('unknown key algorithm')
      this.#parts.capabilities.requireGenerate(spec.algorithm, spec.custody)
      return this.#generations.run(op.signal, () =>
        spec.custody === 'sealed' ? this.#generateSealed(spec, op) : this.#generateResident(spec, op),
      )
    })
  }

  locate(ref: ResidentRef, op: Op): Promise<{ readonly spki: Uint8Array } | undefined> {
    return this.#guard.run(op, async () => {
      requireId(ref.id)
      const key = await this.#resident(ref, op)
      if (key === undefined) return undefined
      requireAlgorithm(ref, key)
      return { spki: key.spki.slice() }
    })
  }

  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, async () => {
      const bytes = signInput(ref.algorithm, algorithm, input)
      this.#parts.capabilities.requireSign(algorithm)
      const { lib, pool, sealed } = this.#parts
      if (ref.custody === 'sealed') {
        return sealed.withKey(ref, op, handle =>
          pool.withSession(op, session => signWith(lib, session, handle, ref.algorithm, algorithm, bytes)),
        )
      }
      requireId(ref.id)
      const key = this.#parts.residents.cached(ref.id) ?? (await this.#resident(ref, op))
      if (key === undefined) throw keyMissing(ref.id, 'not on the token')
      requireAlgorithm(ref, key)
      try {
        return await pool.withSession(op, session =>
          signWith(lib, session, key.handle, ref.algorithm, algorithm, bytes),
        )
      } catch (error) {
        if (isHandleInvalid(error)) await this.#explainLostHandle(ref, op, error)
        throw error
      }
    })
  }

  random(length: number, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => {
      if (!Number.isInteger(length) || length < 1 || length > 4096) throw new TypeError('length must be 1 to 4096')
      const { lib, pool } = this.#parts
      return pool.withSession(op, session => new Uint8Array(lib.C_GenerateRandom(session, Buffer.alloc(length))))
    })
  }

  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => {
      if (!isStoreSecret(secret)) throw new TypeError('the store secret must be 32 bytes')
      const { lib, pool, stores } = this.#parts
      return pool.withSession(op, session => sealStoreSecret(lib, session, stores.newest, secret))
    })
  }

  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, async () => {
      const { lib, pool, stores, canary } = this.#parts
      try {
        return await pool.withSession(op, session => openStoreSecret(lib, session, stores, sealed))
      } catch (error) {
        const ckr = ckrOf(error)
        if (ckr === undefined || meaningOf(ckr) === 'gone' || !(await canary.alive())) throw error
        throw storeSecretRejected(error)
      }
    })
  }

  destroy(ref: ResidentRef, op: Op): Promise<void> {
    return this.#guard.run(op, async () => {
      requireId(ref.id)
      const { lib, pool, residents } = this.#parts
      const left = await pool.withSession(op, session => {
        for (const object of residents.objects(session, ref.id)) lib.C_DestroyObject(session, object)
        residents.remove(ref.id)
        return residents.objects(session, ref.id).length
      })
      if (left > 0) throw new WarderError('hsm-failed', 'the token still has the key', { facts: { id: ref.id } })
      // a token that is gone shows no objects either
      await this.#guard.confirmAlive()
    })
  }

  /** Waits for every call under way, then closes sessions and finalises the module. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#guard.drain()
    await this.#parts.sealed.close()
    await this.#parts.keeper.close()
    this.#parts.pool.close()
    this.#parts.closeModule()
  }

  #generateSealed(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    const { lib, pool, keks } = this.#parts
    return pool.withSession(op, session => generateSealed(lib, session, spec.algorithm, keks.newest))
  }

  async #generateResident(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    const { lib, pool, residents } = this.#parts
    const spki = await pool.withSession(op, async session => {
      if (residents.objects(session, spec.id).length > 0) {
        throw new WarderError('key-exists', 'the token has a key of this id', { facts: { id: spec.id } })
      }
      const made = await generateResident(lib, session, spec.algorithm, spec.id)
      residents.add(spec.id, { algorithm: spec.algorithm, handle: made.privateKey, spki: made.spki })
      return made.spki
    })
    return { ref: { custody: 'resident', algorithm: spec.algorithm, id: spec.id }, spki: spki.slice() }
  }

  /** `undefined` only when a living token does not have the key. */
  async #resident(ref: ResidentRef, op: Op): Promise<ResidentKey | undefined> {
    const { pool, residents } = this.#parts
    const key = await pool.withSession(op, session => residents.locate(session, ref.id))
    if (key === undefined) await this.#guard.confirmAlive()
    return key
  }

  // the signature was not made, and is not tried again; the next call finds the key under its new handle
  async #explainLostHandle(ref: ResidentRef, op: Op, cause: unknown): Promise<void> {
    this.#parts.residents.distrust(ref.id)
    if ((await this.#resident(ref, op)) === undefined) throw keyMissing(ref.id, 'no longer on the token', cause)
  }
}

function requireId(id: string): void {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new TypeError('the id must be 32 lower-case hexadecimal digits')
}

function requireAlgorithm(ref: KeyRef, key: ResidentKey): void {
  if (key.algorithm === ref.algorithm) return
  throw new WarderError('algorithm-mismatch', 'the key on the token is of another algorithm', {
    facts: { keyAlgorithm: key.algorithm, algorithm: ref.algorithm },
  })
}
