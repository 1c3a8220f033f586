import { createHmac, randomBytes } from 'node:crypto'
import { CountedCache } from '../counted-cache.ts'
import type { CacheFigures } from '../engine-api.ts'
import type { ApiKeyView } from './model.ts'

export interface VerifiedKey {
  readonly apiKey: ApiKeyView
  /** The revision of the record that was verified. */
  readonly revision: number
}

/**
 * Remembers for five minutes that a key was verified, so that Argon2id runs once and not per request. An entry is found by
 * a MAC of the whole key under a key of this process and holds no secret. The caller compares its revision with the
 * record's, so a revoked key is dead at once.
 */
export class VerifiedCache {
  readonly #key = randomBytes(32)
  readonly #entries = new CountedCache<VerifiedKey>({ entries: 10_000, ttlMs: 300_000 })
  readonly #running = new Map<string, Promise<VerifiedKey | undefined>>()

  /** The cached answer while `isCurrent` says so, else that of `verify`, which runs once for all who ask meanwhile. */
  async get(
    presented: string,
    isCurrent: (entry: VerifiedKey) => boolean,
    verify: () => Promise<VerifiedKey | undefined>,
  ): Promise<VerifiedKey | undefined> {
    const mac = createHmac('sha256', this.#key).update(presented).digest('base64')
    const cached = this.#entries.get(mac, isCurrent)
    if (cached !== undefined) return cached
    let running = this.#running.get(mac)
    if (running === undefined) {
      running = verify().finally(() => this.#running.delete(mac))
      this.#running.set(mac, running)
    }
    const verified = await running
    if (verified === undefined || !isCurrent(verified)) return undefined
    this.#entries.set(mac, verified)
    return verified
  }

  figures(): CacheFigures {
    return this.#entries.figures()
  }
}
