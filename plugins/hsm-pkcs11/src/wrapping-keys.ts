import pkcs11js from 'pkcs11js'
import { WarderError, type KeyPurpose, type SealedRef } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import type { RootKeyMaker } from './make-root-keys.ts'
import { findObjects } from './objects.ts'
import { findPending } from './pending.ts'
import { findRootKeys, notInitialised, wholeOf, type RootKey, type RootKeys } from './root-keys.ts'
import { rootLabel, wrappingPurposes, type WrappingPurpose } from './templates.ts'

export type WrappingRootKey = RootKey & { readonly purpose: WrappingPurpose }

/** Which root key a sealed key is wrapped under: one of another kind does not open it, whatever its reference claims. */
export function wrapperOf(key: { readonly usage: KeyPurpose; readonly exportable: boolean }): WrappingPurpose {
  if (key.usage === 'import') return 'import-kek'
  return key.exportable ? 'export-kek' : 'kek'
}

/**
 * The root keys that wrap sealed keys. A *generation* is one of each kind under one number, and wraps when it is whole and not
 * pending (see `pending.ts`); what is left of a broken one still unwraps. Other processes make generations too: see
 * {@link refresh}.
 */
export class WrappingKeys {
  readonly #lib: Cryptoki
  readonly #mayBeNone: boolean
  #keys: Readonly<Record<WrappingPurpose, RootKeys>>
  #pending: ReadonlySet<number>
  #generations: readonly number[]

  /**
   * - `mayBeNone`: the token is one of several, and may not have joined the others yet.
   * @throws WarderError `not-initialised` when there is no generation that wraps, unless there may be none.
   */
  constructor(lib: Cryptoki, session: Handle, { mayBeNone }: { readonly mayBeNone: boolean } = { mayBeNone: false }) {
    this.#lib = lib
    this.#mayBeNone = mayBeNone
    this.#keys = findRootKeys(lib, session, wrappingPurposes)
    this.#pending = new Set(findPending(lib, session).keys())
    this.#generations = this.#wrapping()
  }

  /** The generations that wrap, as far as they are known here, ascending. */
  get generations(): readonly number[] {
    return this.#generations
  }

  /** The newest of them. @throws WarderError `not-initialised` when there is none. */
  get newest(): number {
    return this.#generations.at(-1) ?? this.#keys.kek.require('kek', 1).number
  }

  /** The newest root key of the kind such a key needs. @throws WarderError `not-initialised` when there is none. */
  newestFor(key: { readonly usage: KeyPurpose; readonly exportable: boolean }): RootKey {
    const purpose = wrapperOf(key)
    return this.#keys[purpose].require(purpose, this.newest)
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
    const pending = new Set(findPending(this.#lib, session).keys())
    const before = [this.#keys, this.#pending] as const
    this.#keys = keys
    this.#pending = pending
    try {
      this.#generations = this.#wrapping()
    } catch (error) {
      ;[this.#keys, this.#pending] = before
      throw error
    }
  }

  /**
   * Makes the next generation. When another process does the same at the same time, neither has made one.
   * @throws WarderError `hsm-failed` with the reason `another-root-key` then: nothing is left, and it may be tried again.
   */
  async create(session: Handle, maker: RootKeyMaker): Promise<number> {
    this.refresh(session)
    const numbers = [...wrappingPurposes.flatMap(purpose => this.#keys[purpose].numbers), ...this.#pending]
    const number = 1 + Math.max(...numbers)
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

  #wrapping(): readonly number[] {
    const wrapping = wholeOf(this.#keys).filter(number => !this.#pending.has(number))
    if (wrapping.length > 0) return wrapping
    const remains = wrappingPurposes.some(purpose => this.#keys[purpose].numbers.some(each => !this.#pending.has(each)))
    if (this.#mayBeNone && !remains) return []
    const first = Math.max(1, ...this.#keys.kek.numbers)
    for (const purpose of wrappingPurposes.toReversed()) this.#keys[purpose].require(purpose, first)
    throw notInitialised(rootLabel('kek', first), 'pending')
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
