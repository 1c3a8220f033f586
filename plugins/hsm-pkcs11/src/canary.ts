import pkcs11js from 'pkcs11js'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import type { Keeper } from './keeper.ts'
import { readAttributes } from './objects.ts'
import type { CanaryBlob } from './probe.ts'
import type { SessionPool } from './session-pool.ts'
import { transitKey } from './templates.ts'
import { unwrap } from './wrapping.ts'

/**
 * Tells bad input, and absence, from a token that is broken: modules answer CKR_GENERAL_ERROR for both, and SoftHSM finds
 * no objects at all when its login or its directory is gone. A token key, the *witness*, has to be readable, and a good blob
 * to unwrap.
 */
export class Canary {
  readonly #lib: Cryptoki
  readonly #pool: SessionPool
  readonly #keeper: Keeper
  readonly #witness: Handle
  readonly #kek: Handle
  readonly #known: CanaryBlob | undefined

  constructor(
    { lib, pool, keeper }: { readonly lib: Cryptoki; readonly pool: SessionPool; readonly keeper: Keeper },
    witness: Handle,
    kek: Handle,
    known: CanaryBlob | undefined,
  ) {
    this.#lib = lib
    this.#pool = pool
    this.#keeper = keeper
    this.#witness = witness
    this.#kek = kek
    this.#known = known
  }

  /** Never throws. */
  async alive(): Promise<boolean> {
    try {
      // a signal of its own: many calls may ask at once, and Node warns of many that wait on one
      const { signal } = new AbortController()
      return await this.#pool.withSession({ signal }, async session => {
        if (!this.#keeper.loggedIn()) return false
        readAttributes(this.#lib, session, this.#witness, [pkcs11js.CKA_LABEL])
        if (this.#known === undefined) return true
        const template = transitKey(this.#known.algorithm)
        this.#lib.C_DestroyObject(session, await unwrap(this.#lib, session, this.#kek, this.#known.blob, template))
        return true
      })
    } catch (error) {
      const ckr = ckrOf(error)
      return ckr !== undefined && meaningOf(ckr) === 'busy'
    }
  }
}
