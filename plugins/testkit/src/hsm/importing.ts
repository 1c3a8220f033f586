import type { GeneratedKey, KeySpec, OaepAlgorithm, WrappedImport } from '@warder/contract'
import { op, sealedRef, spec, type Bench, type Token } from './bench.ts'
import { wrapForImport, type KnownKey } from './independent.ts'
import type { HsmPlace } from './subject.ts'

/** A way into the token for keys that are known outside. */
export interface Entrance {
  /** The request that brings this key in, to be spoilt or sent. */
  request(known: KnownKey, rest: Partial<KeySpec> & Pick<KeySpec, 'usage'>): WrappedImport
  bring(known: KnownKey, rest: Partial<KeySpec> & Pick<KeySpec, 'usage'>): Promise<GeneratedKey>
  readonly oaep: OaepAlgorithm
  /** Of the import key. */
  readonly spki: Uint8Array
}

/**
 * Lends one token with one import key to all cases that bring keys in: it is an RSA-4096 key, which takes a slow token
 * seconds. Both are made for the first of them, and the token is removed after the last.
 */
export class Entrances<Config> {
  readonly #bench: Bench<Config>
  readonly #notRun = new Set<unknown>()
  #place: HsmPlace<Config> | undefined
  #importKey: GeneratedKey | undefined

  constructor(bench: Bench<Config>) {
    this.#bench = bench
  }

  /** A case of that kind. No entrance where the token cannot import. */
  case(use: (token: Token, door: Entrance | undefined) => Promise<void>): () => Promise<void> {
    const run = async (): Promise<void> => {
      const place = (this.#place ??= await this.#bench.subject.place())
      try {
        await this.#bench.withToken(place, async token => use(token, await this.#entrance(token)))
      } finally {
        this.#notRun.delete(run)
        if (this.#notRun.size === 0) {
          this.#place = this.#importKey = undefined
          await place.remove()
        }
      }
    }
    this.#notRun.add(run)
    return run
  }

  async #entrance({ provider, claims }: Token): Promise<Entrance | undefined> {
    const { oaep } = claims
    if (!claims.imports || oaep === undefined) return undefined
    const made = (this.#importKey ??= await provider.generate(spec('RSA-4096', 'import'), op))
    const under = sealedRef(made)
    const spki = made.spki ?? new Uint8Array()
    const request: Entrance['request'] = (known, rest) => ({
      under,
      oaep,
      wrapped: wrapForImport(spki, oaep, known.bytes),
      spec: spec(known.algorithm, rest.usage, rest),
      ...(known.spki && { spki: known.spki }),
    })
    return { oaep, spki, request, bring: (known, rest) => provider.importKey(request(known, rest), op) }
  }
}
