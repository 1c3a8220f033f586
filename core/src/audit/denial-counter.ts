import type { Journal } from './journal.ts'

/** Sources listed by themselves in one record; the rest are counted together. */
const listedSources = 32

interface Tally {
  readonly counts: Map<string, Map<string, number>>
  readonly done: Promise<void>
}

/**
 * Journals failed authentications, each durably before its answer, in exact counts: while one record is being written, all
 * further failures join the next. A flood of them costs one record per sync of the disk, however many they are.
 */
export class DenialCounter {
  readonly #journal: Journal
  #open: Tally | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  /** Resolves when a durable record counts this failure. */
  record(reason: string, sourceIp: string): Promise<void> {
    if (this.#open === undefined) {
      const counts: Tally['counts'] = new Map()
      const done = this.#writing.then(() => this.#write(counts))
      this.#open = { counts, done }
      this.#writing = done.catch(() => {})
    }
    const { counts, done } = this.#open
    let sources = counts.get(reason)
    if (sources === undefined) counts.set(reason, (sources = new Map()))
    const source = sources.has(sourceIp) || sources.size < listedSources ? sourceIp : 'others'
    sources.set(source, (sources.get(source) ?? 0) + 1)
    return done
  }

  async #write(counts: Tally['counts']): Promise<void> {
    this.#open = undefined
    await this.#journal.append({
      type: 'authentication',
      action: 'authenticate',
      correlation: 'aggregate',
      actor: 'unknown',
      subject: {
        counts: Object.fromEntries([...counts].map(([reason, sources]) => [reason, Object.fromEntries(sources)])),
      },
      result: 'denied',
    })
  }
}
