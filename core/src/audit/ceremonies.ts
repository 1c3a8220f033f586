import type { JournalRecord } from './event.ts'
import type { Journal } from './journal.ts'

/** The record of a key ceremony: its subject has the `digest` of the transcript. */
export const ceremonyAction = 'hsm:ceremony'

const sha256 = /^[0-9a-f]{64}$/

/** The transcripts of key ceremonies that the journal tells of, by their digests; each is recorded once. */
export class Ceremonies {
  readonly #known = new Set<unknown>()

  visit({ action, subject }: JournalRecord): void {
    if (action === ceremonyAction) this.#known.add(subject['digest'])
  }

  /** Answers whether it is new. Durable when it resolves. */
  async record(journal: Journal, digest: string): Promise<boolean> {
    if (!sha256.test(digest)) throw new TypeError('a digest is 64 lower-case hexadecimal digits')
    if (this.#known.has(digest)) return false
    const system = { type: 'system', correlation: 'hsm', actor: 'system' } as const
    await journal.append({ ...system, action: ceremonyAction, subject: { digest }, result: 'ok' })
    this.#known.add(digest)
    return true
  }
}
