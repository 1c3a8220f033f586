import {
  WarderError,
  type Ciphertext,
  type GeneratedKey,
  type Health,
  type KeyProvider,
  type KeyRef,
  type KeySpec,
  type OaepAlgorithm,
  type Op,
  type ProviderFigures,
  type ResidentRef,
  type RootKeyBackup,
  type Sealed,
  type SealedRef,
  type SignatureAlgorithm,
  type TokenCapabilities,
  type TokenState,
  type WrappedImport,
} from '@warder/contract'
import type { Canary } from './canary.ts'
import { needsOaep, type Oaep } from './capabilities.ts'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Copies } from './copies.ts'
import type { Handle } from './cryptoki.ts'
import { Gate } from './gate.ts'
import { generateResident, generateSealed } from './generate-key.ts'
import { Guard } from './guard.ts'
import { copyIdentity } from './identity.ts'
import type { Keeper } from './keeper.ts'
import { KeyUses } from './key-uses.ts'
import { Lending, requireId } from './lending.ts'
import { RootKeyMaker } from './make-root-keys.ts'
import { requireSpec } from './purposes.ts'
import type { Peers } from './peers.ts'
import type { Recipient } from './recipient.ts'
import { backupFor } from './root-key-backup.ts'
import type { RootKeys } from './root-keys.ts'
import { makeShared } from './share-root-keys.ts'
import { isStoreSecret, openStoreSecret, sealStoreSecret, storeSecretRejected } from './store-secret.ts'
import { Transfer, type TransferParts } from './transfer.ts'

/** What `open` has made, all of it on one token; the provider closes it. */
export interface Parts extends TransferParts {
  readonly keeper: Keeper
  readonly canary: Canary
  readonly stores: RootKeys
  readonly copies: Copies
  readonly recipient: Recipient | undefined
  /** The other tokens that share the root keys; `undefined` when there are none. */
  readonly peers: Peers | undefined
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
  readonly #lending: Lending
  readonly #uses: KeyUses
  readonly #transfer: Transfer
  readonly #maker: RootKeyMaker
  /**
   * What makes or removes keys goes one at a time. SoftHSM answers CKR_GENERAL_ERROR to some of it, rarely, when several
   * threads change its object store at once, and leaves it open what was done.
   */
  readonly #changes = new Gate(1)
  #closed: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#guard = new Guard(this.#alive)
    this.#lending = new Lending(parts, this.#guard)
    this.#uses = new KeyUses({ ...parts, lending: this.#lending, alive: this.#alive })
    this.#transfer = new Transfer(parts, this.#lending)
    this.#maker = new RootKeyMaker(parts.lib, parts.copies, parts.recipient)
  }

  async health(op: Op): Promise<Health> {
    try {
      await this.#guard.run(op, () => this.#guard.confirmAlive())
      const { label, serial } = this.#parts.capabilities.token
      return { ok: true, detail: `token ${label} (${serial}) answers` }
    } catch (error) {
      if (WarderError.is(error, 'cancelled')) throw error
      return { ok: false, detail: error instanceof Error ? error.message : 'the token failed' }
    }
  }

  capabilities(op: Op): Promise<TokenCapabilities> {
    return this.#guard.run(op, async () => this.#parts.capabilities.published(await this.#parts.oaep.offered()))
  }

  generate(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    return this.#guard.run(op, async () => {
      requireId(spec.id)
      requireSpec(spec)
      const oaep = needsOaep(spec.algorithm, spec.usage) ? await this.#parts.oaep.offered() : noHashes
      this.#parts.capabilities.requireGenerate(spec, oaep)
      return this.#changes.run(op.signal, () =>
        spec.custody === 'sealed' ? this.#generateSealed(spec, op) : this.#generateResident(spec, op),
      )
    })
  }

  locate(ref: ResidentRef, op: Op): Promise<Omit<GeneratedKey, 'ref'> | undefined> {
    return this.#guard.run(op, async () => {
      const key = await this.#lending.locate(ref, op)
      return key === undefined ? undefined : copyIdentity(key.identity)
    })
  }

  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.sign(ref, algorithm, input, op))
  }

  signAll(
    ref: KeyRef,
    algorithm: SignatureAlgorithm,
    inputs: readonly Uint8Array[],
    op: Op,
  ): Promise<readonly Uint8Array[]> {
    return this.#guard.run(op, () => this.#uses.signAll(ref, algorithm, inputs, op))
  }

  encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed> {
    return this.#guard.run(op, () => this.#uses.encrypt(ref, plaintext, aad, op))
  }

  decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.decrypt(ref, input, op))
  }

  mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.mac(ref, data, op))
  }

  wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.wrap(ref, bytes, op))
  }

  unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.unwrap(ref, wrapped, op))
  }

  derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#uses.derive(ref, peer, op))
  }

  random(length: number, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => {
      if (!Number.isInteger(length) || length < 1 || length > 4096) throw new TypeError('length must be 1 to 4096')
      const { lib, pool } = this.#parts
      return pool.withSession(op, session => new Uint8Array(lib.C_GenerateRandom(session, Buffer.alloc(length))))
    })
  }

  importKey(request: WrappedImport, op: Op): Promise<GeneratedKey> {
    return this.#guard.run(op, () => this.#changes.run(op.signal, () => this.#transfer.importKey(request, op)))
  }

  exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => this.#transfer.exportKey(ref, recipient, oaep, op))
  }

  rewrap(ref: SealedRef, op: Op): Promise<SealedRef> {
    return this.#guard.run(op, () => this.#transfer.rewrap(ref, op))
  }

  newestRootKey(op: Op): Promise<number> {
    return this.#guard.run(op, async () => {
      const { pool, wrappers } = this.#parts
      await pool.withSession(op, session => wrappers.refresh(session))
      await this.#guard.confirmAlive()
      return wrappers.newest
    })
  }

  createRootKey(op: Op): Promise<number> {
    const { pool, wrappers, peers } = this.#parts
    const create = (session: Handle): Promise<number> =>
      peers === undefined ? wrappers.create(session, this.#maker) : this.#createShared(session, peers)
    return this.#guard.run(op, async () => {
      try {
        return await this.#changes.run(op.signal, () => pool.withSession(op, create))
      } catch (error) {
        // what a token of several answered is typed by now, and this one may be the one that has gone
        if (WarderError.is(error, 'hsm-unavailable', 'hsm-failed')) await this.#guard.confirmAlive()
        throw error
      }
    })
  }

  token(op: Op): Promise<TokenState> {
    return this.#guard.run(op, async () => {
      const { pool, wrappers, capabilities } = this.#parts
      await pool.withSession(op, session => wrappers.refresh(session))
      await this.#guard.confirmAlive()
      return { serial: capabilities.token.serial, rootKeys: [...wrappers.generations] }
    })
  }

  rootKeyBackup(op: Op): Promise<RootKeyBackup> {
    return this.#guard.run(op, async () => {
      const { lib, pool, wrappers, copies, recipient } = this.#parts
      const backup = await pool.withSession(op, session => {
        wrappers.refresh(session)
        return backupFor(lib, session, wrappers.all, copies, recipient)
      })
      // a token that is gone shows no copies either
      await this.#guard.confirmAlive()
      return backup
    })
  }

  figures(): ProviderFigures {
    const { pool, sealed } = this.#parts
    return { sessions: pool.figures(), cache: sealed.figures() }
  }

  forget(ref: SealedRef, op: Op): Promise<void> {
    return this.#guard.run(op, () => this.#parts.sealed.forget(ref))
  }

  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array> {
    return this.#guard.run(op, () => {
      if (!isStoreSecret(secret)) throw new TypeError('the store secret must be 32 bytes')
      const { lib, pool, stores } = this.#parts
      return pool.withSession(op, session => sealStoreSecret(lib, session, stores.newest('store'), secret))
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
      residents.requireHere(ref)
      const left = await this.#changes.run(op.signal, () =>
        pool.withSession(op, session => {
          for (const object of residents.objects(session, ref.id)) lib.C_DestroyObject(session, object)
          residents.remove(ref.id)
          return residents.objects(session, ref.id).length
        }),
      )
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
    this.#parts.peers?.erase()
    this.#parts.closeModule()
  }

  async #createShared(session: Handle, peers: Peers): Promise<number> {
    const { lib, wrappers, copies, recipient, capabilities } = this.#parts
    const { label, serial } = capabilities.token
    const number = await peers.with({ lib, session, label, serial, copies }, tokens => makeShared(tokens, recipient))
    wrappers.refresh(session)
    return number
  }

  async #generateSealed(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    const { lib, pool, wrappers } = this.#parts
    const { ref, identity } = await pool.withSession(op, session =>
      generateSealed(lib, session, spec, wrappers.newestFor(spec)),
    )
    return { ref, ...identity }
  }

  #generateResident(spec: KeySpec, op: Op): Promise<GeneratedKey> {
    const { lib, pool, residents } = this.#parts
    return pool.withSession(op, async session => {
      residents.requireFree(session, spec.id)
      const { key, identity } = await generateResident(lib, session, spec)
      return residents.admit(spec, key, identity)
    })
  }

  readonly #alive = (): Promise<boolean> => this.#parts.canary.alive()
}

const noHashes: Oaep = new Set()
