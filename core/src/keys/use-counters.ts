import { type Op, WarderError } from '@warder/contract'
import { z } from 'zod'
import { change, type Collection, type Repository } from '../records/repository.ts'
import { versionId } from './collection.ts'

/**
 * How often a key version may encrypt with random 96-bit IVs: NIST SP 800-38D section 8.3 allows 2^32 under one key. From
 * `soft` on the key rotates by itself; at `hard` the version encrypts no more.
 */
export interface UseLimits {
  readonly block: number
  readonly soft: number
  readonly hard: number
}

export const gcmLimits: UseLimits = { block: 65_536, soft: 2 ** 31, hard: 2 ** 32 }

/** Uses that were leased to some process; what it did not use by its end counts as used. */
const counters: Collection<{ leased: number }> = {
  name: 'use-counters',
  schema: z.strictObject({ leased: z.int() }),
  attributes: () => ({}),
}

interface Lease {
  used: number
  leased: number
}

/** Counts uses durably at the cost of one write per block: a block is leased before the first of its uses. */
export class UseCounters {
  readonly #repository: Repository
  readonly #limits: UseLimits
  readonly #leases = new Map<string, Lease>()

  constructor(repository: Repository, limits: UseLimits = gcmLimits) {
    this.#repository = repository
    this.#limits = limits
  }

  /**
   * Counts one use. Answers true when the version should be replaced soon.
   * @throws WarderError `use-limit-reached`.
   */
  async take(key: string, version: number, op: Op): Promise<boolean> {
    const id = versionId(key, version)
    for (;;) {
      const lease = this.#leases.get(id)
      if (lease !== undefined && lease.used < lease.leased) {
        lease.used++
        return lease.used >= this.#limits.soft
      }
      await this.#repository.exclusive(counters, id, () => this.#lease(id, { key, version }, op))
    }
  }

  async #lease(id: string, subject: { key: string; version: number }, op: Op): Promise<void> {
    const held = this.#leases.get(id)
    // Another caller leased while this one waited.
    if (held !== undefined && held.used < held.leased) return
    const { block, hard } = this.#limits
    const found = await this.#repository.read(counters, id, op)
    const before = found?.value.leased ?? 0
    if (before >= hard) {
      throw new WarderError('use-limit-reached', 'This version has encrypted as often as is safe; rotate the key.', {
        facts: { version: subject.version },
      })
    }
    const leased = Math.min(before + block, hard)
    const draft = {
      type: 'system',
      action: 'key:lease',
      correlation: 'lease',
      actor: 'system',
      subject: { ...subject, count: leased },
      result: 'ok',
    } as const
    await this.#repository.write(draft, [change(counters, id, found?.revision ?? 'absent', { leased })], op)
    this.#leases.set(id, { used: before, leased })
  }
}
