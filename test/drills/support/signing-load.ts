import { createHash, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type GeneratedKey, type KeyProvider, WarderError } from '@warder/contract'

/** As a client does that was told to try again, if a hasty one. */
const hasteMs = 20

/** Callers that sign with one P-256 key, a new message each time, and look at every signature with node:crypto. */
export class SigningLoad {
  readonly #hsm: KeyProvider
  readonly #key: GeneratedKey
  readonly #publicKey: KeyObject
  #enough = false
  readonly #callers: readonly Promise<void>[]
  /** Signatures answered that are right, and that are not. */
  signed = 0
  wrong = 0
  /** Calls that failed, and may or may not have signed; calls that failed, and have not. */
  unknown = 0
  notStarted = 0
  /** Of the failures; `untyped` when it was no error of ours. */
  readonly codes = new Set<string>()

  constructor(hsm: KeyProvider, key: GeneratedKey, callers: number) {
    this.#hsm = hsm
    this.#key = key
    this.#publicKey = createPublicKey({ key: Buffer.from(key.spki ?? []), format: 'der', type: 'spki' })
    this.#callers = Array.from({ length: callers }, () => this.#call())
  }

  get failed(): number {
    return this.unknown + this.notStarted
  }

  async stop(): Promise<void> {
    this.#enough = true
    await Promise.all(this.#callers)
  }

  async #call(): Promise<void> {
    while (!this.#enough) {
      const message = randomBytes(32)
      try {
        const digest = createHash('sha256').update(message).digest()
        const signature = await this.#hsm.sign(this.#key.ref, 'ES256', digest, { signal: AbortSignal.timeout(20_000) })
        if (this.#isRight(message, signature)) this.signed++
        else this.wrong++
      } catch (error) {
        this.#count(error)
        await delay(hasteMs)
      }
    }
  }

  #isRight(message: Uint8Array, signature: Uint8Array): boolean {
    return verify('sha256', message, { key: this.#publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  }

  #count(error: unknown): void {
    this.codes.add(WarderError.is(error) ? error.code : 'untyped')
    if (WarderError.is(error) && error.facts['outcome'] === 'not-started') this.notStarted++
    else this.unknown++
  }
}
