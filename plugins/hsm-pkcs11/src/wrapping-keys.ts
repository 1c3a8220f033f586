import pkcs11js from 'pkcs11js'
import { WarderError, type KeyPurpose, type SealedRef } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import type { RootKeyMaker } from './make-root-keys.ts'
import { findObjects } from './objects.ts'
import { findRootKeys, type RootKey, type RootKeys } from './root-keys.ts'
import { rootLabel, wrappingPurposes, type WrappingPurpose } from './templates.ts'

export type WrappingRootKey = RootKey & { readonly purpose: WrappingPurpose }

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

  /** Every root key known here, the parts of a broken generation too. */
  get all(): readonly WrappingRootKey[] {
    return allOf(this.#keys)
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
  async create(session: Handle, maker: RootKeyMaker): Promise<number> {
    this.refresh(session)
    const number = 1 + Math.max(...wrappingPurposes.flatMap(purpose => this.#keys[purpose].numbers))
    const undo = await maker.makeGeneration(session, number)
    const doubled = wrappingPurposes.some(purpose => named(this.#lib, session, rootLabel(purpose, number)).length > 1)
    if (doubled) {
      await undo(session)
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

/** In the order of their purposes and numbers. */
export function allOf(keys: Readonly<Record<WrappingPurpose, RootKeys>>): readonly WrappingRootKey[] {
  return wrappingPurposes
    .toReversed()
    .flatMap(purpose =>
      keys[purpose].numbers
        .toSorted((a, b) => a - b)
        .map(number => ({ purpose, ...keys[purpose].require(purpose, number) })),
    )
}

function named(lib: Cryptoki, session: Handle, label: string): readonly Handle[] {
  return findObjects(lib, session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
  ])
}
