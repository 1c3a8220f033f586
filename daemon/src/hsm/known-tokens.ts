import type { TokenState } from '@warder/contract'

/**
 * What a call needs of the token that does it; `undefined` where any will do.
 * - `token`: this one; without a serial the first of the configuration.
 * - `rootKey`: one that has the root key of this number.
 * - `newest`: one that has the newest root key, and `rootKey` too, where that is given.
 */
export type Need =
  | { readonly of: 'token'; readonly serial: string | undefined }
  | { readonly of: 'rootKey'; readonly rootKey: number }
  | { readonly of: 'newest'; readonly rootKey?: number }

/** A set of tokens: bit n stands for the token at n in the configuration. */
export type TokenSet = number

/**
 * What is known of the tokens there are: serial numbers and root keys, as their hosts have told. It is kept while a token is
 * away, so that what only that one can do is known to wait for it.
 */
export class KnownTokens {
  readonly count: number
  readonly #states: (TokenState | undefined)[]

  constructor(count: number) {
    this.count = count
    this.#states = Array.from({ length: count }, () => undefined)
  }

  /** Every token. */
  get all(): TokenSet {
    return (1 << this.count) - 1
  }

  /** False when it says nothing new. */
  learn(index: number, state: TokenState): boolean {
    const before = this.#states[index]
    this.#states[index] = state
    return before?.serial !== state.serial || before.rootKeys.join() !== state.rootKeys.join()
  }

  serialOf(index: number): string | undefined {
    return this.#states[index]?.serial
  }

  indexOf(serial: string): number | undefined {
    const index = this.#states.findIndex(state => state?.serial === serial)
    return index < 0 ? undefined : index
  }

  /**
   * Who can do it. One that has not told yet may be any token. `0` when it is known that none can: only ever for a serial, as
   * which root keys there are is for the tokens to say.
   */
  able(need: Need | undefined): TokenSet {
    if (need === undefined) return this.all
    if (need.of === 'token') return need.serial === undefined ? 1 : this.#withSerial(need.serial)
    const having = need.rootKey === undefined ? this.all : this.#withRootKey(need.rootKey)
    if (need.of === 'rootKey') return having
    const newest = this.#withRootKey(this.#newest)
    return (newest & having) === 0 ? having : newest & having
  }

  /** The numbers of all root keys there are, as far as has been told. */
  get rootKeys(): readonly number[] {
    return [...new Set(this.#states.flatMap(state => state?.rootKeys ?? []))].toSorted((a, b) => a - b)
  }

  /** Whether a token has told that it has the root key that is asked for. */
  knows({ rootKey }: Extract<Need, { readonly of: 'rootKey' | 'newest' }>): boolean {
    return rootKey === undefined || this.#where(state => state?.rootKeys.includes(rootKey) === true) !== 0
  }

  #withSerial(serial: string): TokenSet {
    const index = this.indexOf(serial)
    return index === undefined ? this.#where(state => state === undefined) : 1 << index
  }

  #withRootKey(rootKey: number): TokenSet {
    const told = this.#where(state => state?.rootKeys.includes(rootKey) === true)
    if (told !== 0) return told
    const silent = this.#where(state => state === undefined)
    return silent === 0 ? this.all : silent
  }

  get #newest(): number {
    return Math.max(0, ...this.#states.flatMap(state => state?.rootKeys ?? []))
  }

  #where(test: (state: TokenState | undefined) => boolean): TokenSet {
    return this.#states.reduce((set, state, index) => (test(state) ? set | (1 << index) : set), 0)
  }
}
