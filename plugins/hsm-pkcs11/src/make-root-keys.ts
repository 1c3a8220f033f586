import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { checkValueOf } from './check-value.ts'
import { chooseOaep } from './choose-oaep.ts'
import type { Copies, TakeBack } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { exportTo } from './export-key.ts'
import type { KeyCopy } from './key-copy.ts'
import { discard } from './objects.ts'
import type { Recipient } from './recipient.ts'
import { settle } from './settle.ts'
import {
  passingRootKey,
  rootKeyLength,
  rootKeyTemplate,
  wrappingPurposes,
  type RootPurpose,
  type WrappingPurpose,
} from './templates.ts'

/** A root key as a session object that can be wrapped, with the copy that is kept of it, if one is to be. */
export interface PassingRootKey {
  readonly purpose: WrappingPurpose
  readonly number: number
  readonly handle: Handle
  readonly copy: KeyCopy | undefined
}

/** Takes back what was made; the errors of the token pass. */
export type Undo = (session: Handle) => Promise<void>

/** What makes root keys: with a recipient, each that wraps has been wrapped to it before it is on the token. */
export class RootKeyMaker {
  readonly #lib: Cryptoki
  readonly #copies: Copies
  readonly #recipient: Recipient | undefined

  constructor(lib: Cryptoki, copies: Copies, recipient: Recipient | undefined) {
    this.#lib = lib
    this.#copies = copies
    this.#recipient = recipient
  }

  /** Makes the first root keys of a token: a generation, then the store key. All or none. */
  async makeFirst(session: Handle): Promise<void> {
    const undo = await this.makeGeneration(session, 1)
    try {
      await this.makeOnToken(session, ['store'], 1)
    } catch (error) {
      await undo(session)
      throw error
    }
  }

  /** Makes one of each that wraps, under this number; all or none, unless the token fails while undoing. */
  makeGeneration(session: Handle, number: number): Promise<Undo> {
    if (this.#recipient === undefined) return this.makeOnToken(session, wrappingPurposes, number)
    return this.withPassing(session, number, keys => this.establish(session, keys))
  }

  /** Lends a generation as passing keys, each with its copy where there is a recipient. They are gone when `use` has ended. */
  async withPassing<T>(
    session: Handle,
    number: number,
    use: (keys: readonly PassingRootKey[]) => Promise<T>,
  ): Promise<T> {
    const recipient = this.#recipient
    const oaep = recipient && (await chooseOaep(this.#lib, session))
    const passing: PassingRootKey[] = []
    try {
      for (const purpose of wrappingPurposes) {
        const template = [...passingRootKey(purpose), rootKeyLength]
        const handle = this.#lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template)
        passing.push({ purpose, number, handle, copy: undefined })
      }
      if (recipient === undefined || oaep === undefined) return await use(passing)
      const copied: PassingRootKey[] = []
      for (const key of passing) {
        const wrapped = await exportTo(this.#lib, session, key.handle, recipient.key, oaep)
        const copy = { name: nameOf(key), recipient: recipient.fingerprint, oaep, wrapped }
        copied.push({ ...key, copy: { ...copy, checkValue: checkValueIn(this.#lib, session, key.handle) } })
      }
      return await use(copied)
    } finally {
      discard(
        this.#lib,
        session,
        passing.map(({ handle }) => handle),
      )
    }
  }

  /** Makes root keys that never leave the token, not even wrapped; all or none, unless the token fails while undoing. */
  async makeOnToken(session: Handle, purposes: readonly RootPurpose[], number: number): Promise<Undo> {
    const made: Handle[] = []
    const undo: Undo = async own => {
      for (const key of made) this.#lib.C_DestroyObject(own, key)
    }
    try {
      for (const purpose of purposes) {
        const template = rootKeyTemplate(purpose, number, randomBytes(16))
        made.push(this.#lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template))
      }
    } catch (error) {
      // one without the other could not be completed by a second run
      await undo(session)
      throw error
    }
    return undo
  }

  /**
   * Puts passing keys on the token for good, in this order, after all their copies: a run that is broken off leaves copies
   * of no key, which nothing ever takes for a copy, and no key without its copy. All or none.
   */
  async establish(session: Handle, keys: readonly PassingRootKey[]): Promise<Undo> {
    const kept: TakeBack[] = []
    const made: Handle[] = []
    const undo: Undo = async own => {
      for (const takeBack of kept) await takeBack(own)
      for (const key of made) this.#lib.C_DestroyObject(own, key)
    }
    try {
      for (const { copy } of keys) if (copy !== undefined) kept.push(await this.#copies.keep(session, copy))
      for (const key of keys) made.push(await settle(this.#lib, session, key))
    } catch (error) {
      await undo(session)
      throw error
    }
    return undo
  }
}

export function nameOf({ purpose, number }: { readonly purpose: string; readonly number: number }): string {
  return `${purpose}/${number}`
}

/** Of a root key that wraps, as hexadecimal. */
export function checkValueIn(lib: Cryptoki, session: Handle, key: Handle): string {
  return Buffer.from(checkValueOf(lib, session, key, 'AES-256', 'wrap')).toString('hex')
}
