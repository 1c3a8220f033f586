import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyPurpose, type SealedRef } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { findObjects } from './objects.ts'
import { findRootKeys, type RootKey, type RootKeys } from './root-keys.ts'
import { rootKeyTemplate, rootLabel, wrappingPurposes, type RootPurpose, type WrappingPurpose } from './templates.ts'

/** Which root key a sealed key is wrapped under: one of another kind does not open it, whatever its reference claims. */
export function wrapperOf(key: { readonly usage: KeyPurpose; readonly exportable: boolean }): WrappingPurpose {
  if (key.usage === 'import') return 'import-kek'
  return key.exportable ? 'export-kek' : 'kek'
}

/**
 * The root keys that wrap sealed keys. A *generation* is one of each kind under one number, and wraps when it is whole;
 * what is left of a broken one still unwraps. Other processes make generations too: see {@link refresh}.
 */
export class WrappingKeys {
  readonly #lib: Cryptoki
  #keys: Readonly<Record<WrappingPurpose, RootKeys>>
  #newest: number

  /** @throws WarderError `not-initialised` when there is no whole generation. */
  constructor(lib: Cryptoki, session: Handle) {
    this.#lib = lib
    this.#keys = findRootKeys(lib, session, wrappingPurposes)
    this.#newest = this.#whole()
  }

  /** The newest whole generation known here. */
  get newest(): number {
    return this.#newest
  }

  /** The newest root key of the kind such a key needs. */
  newestFor(key: { readonly usage: KeyPurpose; readonly exportable: boolean }): RootKey {
    const purpose = wrapperOf(key)
    return this.#keys[purpose].require(purpose, this.#newest)
  }

  /** The root key of a blob, as far as it is known here. */
  get(ref: SealedRef): Handle | undefined {
    return this.#keys[wrapperOf(ref)].get(ref.rootKey)
  }

  /** Looks for what other processes have made meanwhile. Nothing changes when it throws. */
  refresh(session: Handle): void {
    const keys = findRootKeys(this.#lib, session, wrappingPurposes)
    // a token that is gone shows none at all
    if (wrappingPurposes.every(purpose => keys[purpose].numbers.length === 0)) return
    const before = this.#keys
    this.#keys = keys
    try {
      this.#newest = this.#whole()
    } catch (error) {
      this.#keys = before
      throw error
    }
  }

  /**
   * Makes the next generation. When another process does the same at the same time, neither has made one.
   * @throws WarderError `hsm-failed` with the reason `another-root-key` then: nothing is left, and it may be tried again.
   */
  create(session: Handle): number {
    this.refresh(session)
    const number = 1 + Math.max(...wrappingPurposes.flatMap(purpose => this.#keys[purpose].numbers))
    const made = makeRootKeys(this.#lib, session, wrappingPurposes, number)
    const doubled = wrappingPurposes.some(purpose => named(this.#lib, session, rootLabel(purpose, number)).length > 1)
    if (doubled) {
      for (const key of made) this.#lib.C_DestroyObject(session, key)
      throw new WarderError('hsm-failed', 'another process is making a root key', {
        facts: { reason: 'another-root-key' },
      })
    }
    this.refresh(session)
    return number
  }

  #whole(): number {
    const whole = this.#keys.kek.numbers.filter(number =>
      wrappingPurposes.every(purpose => this.#keys[purpose].get(number) !== undefined),
    )
    if (whole.length > 0) return Math.max(...whole)
    const first = Math.max(1, ...this.#keys.kek.numbers)
    for (const purpose of wrappingPurposes.toReversed()) this.#keys[purpose].require(purpose, first)
    throw new TypeError('a generation was whole after all')
  }
}

/** Makes one root key of each purpose, in this order; all or none, unless the token fails while undoing. */
export function makeRootKeys(
  lib: Cryptoki,
  session: Handle,
  purposes: readonly RootPurpose[],
  number: number,
): readonly Handle[] {
  const made: Handle[] = []
  try {
    for (const purpose of purposes) {
      const template = rootKeyTemplate(purpose, number, randomBytes(16))
      made.push(lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template))
    }
  } catch (error) {
    // one without the other could not be completed by a second run
    for (const key of made) lib.C_DestroyObject(session, key)
    throw error
  }
  return made
}

function named(lib: Cryptoki, session: Handle, label: string): readonly Handle[] {
  return findObjects(lib, session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
  ])
}
