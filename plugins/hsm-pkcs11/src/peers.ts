import type { Config } from './config.ts'
import type { AskOperator } from './read-pin.ts'
import { requireOther, withTokens, type TokenAt } from './token-at.ts'

/**
 * The other tokens that share the root keys of this one: opened when a root key is made, and closed again then. The operator
 * is asked for their PIN while this one is opened, and never after: it is kept here until {@link erase}, no longer than
 * the process that starts hosts keeps it.
 */
export class Peers {
  readonly #configs: readonly Config[]
  readonly #pin: Uint8Array | undefined

  private constructor(configs: readonly Config[], pin: Uint8Array | undefined) {
    this.#configs = configs
    this.#pin = pin
  }

  /** `undefined` for no peers. @throws what asking the operator throws. */
  static async of(configs: readonly Config[], askOperator: AskOperator | undefined): Promise<Peers | undefined> {
    if (configs.length === 0) return undefined
    const asks = configs.some(({ pin }) => 'operator' in pin)
    return new Peers(configs, asks ? await askOperator?.() : undefined)
  }

  /** Lends all tokens, this one first. @throws WarderError facts naming the token that cannot be used. */
  with<T>(own: TokenAt, use: (tokens: readonly [TokenAt, ...TokenAt[]]) => Promise<T>): Promise<T> {
    const pin = this.#pin
    // V8 moves small typed arrays about, unless their memory is given to them
    const lend =
      pin &&
      (async () => {
        const copy = new Uint8Array(new ArrayBuffer(pin.length))
        copy.set(pin)
        return copy
      })
    return withTokens(this.#configs, lend, peers => {
      for (const { serial } of peers) requireOther([own], serial)
      return use([own, ...peers])
    })
  }

  erase(): void {
    this.#pin?.fill(0)
  }
}
