import { generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/**
 * RSA key pairs where any will do: two of each size are made, and given out by turns, since to make one takes a slow machine
 * a second or more. One is another than the one before it, and the same as the one before that.
 */
export class RsaPairs {
  readonly #turns = new Map<number, readonly [Pair | undefined, Pair | undefined]>()

  /** Of a modulus of so many bits. */
  next(modulusLength: number): Pair {
    const [next, last] = this.#turns.get(modulusLength) ?? []
    const pair = next ?? generateKeyPairSync('rsa', { modulusLength })
    this.#turns.set(modulusLength, [last, pair])
    return pair
  }
}
