import { randomFillSync } from 'node:crypto'

const saltBytes = 16

/** Salts of 128 random bits, base64. They are drawn many at once: each draw alone costs more than the rest of a record. */
export class Salts {
  readonly #drawn = Buffer.alloc(256 * saltBytes)
  #at = this.#drawn.length

  next(): string {
    if (this.#at === this.#drawn.length) {
      randomFillSync(this.#drawn)
      this.#at = 0
    }
    this.#at += saltBytes
    return this.#drawn.toString('base64', this.#at - saltBytes, this.#at)
  }
}
