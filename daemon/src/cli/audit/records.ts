import { createHash } from 'node:crypto'
import { WarderError } from '@warder/contract'
import type { JournalRecord } from '@warder/core'

/** A record of a journal, and its line without the hash in front. */
export interface TailRecord {
  readonly record: JournalRecord
  readonly json: string
}

const newline = 0x0a
const hashLength = 64

/**
 * Takes the bytes of one segment as they come and gives out the records that are committed, each checked against its hash.
 * The chain is not: that is what `warder audit verify` is for.
 */
export class SegmentRecords {
  readonly #name: string
  /** Since the last commit line: not acknowledged yet. */
  #batch: TailRecord[] = []
  #rest: Buffer = Buffer.alloc(0)

  constructor(name: string) {
    this.#name = name
  }

  /** @throws WarderError `journal-corrupt` */
  push(bytes: Buffer): TailRecord[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const committed: TailRecord[] = []
    let from = 0
    for (let to = all.indexOf(newline); to !== -1; to = all.indexOf(newline, from)) {
      const line = all.toString('utf8', from, to)
      from = to + 1
      if (line.startsWith('commit ')) committed.push(...this.#batch.splice(0))
      else this.#batch.push(this.#read(line))
    }
    this.#rest = Buffer.from(all.subarray(from))
    return committed
  }

  #read(line: string): TailRecord {
    const json = line.slice(hashLength + 1)
    if (createHash('sha256').update(json).digest('hex') !== line.slice(0, hashLength)) {
      const facts = { file: this.#name }
      throw new WarderError(
        'journal-corrupt',
        `A record in ${this.#name} does not have its hash; \`warder audit verify\` says where.`,
        { facts },
      )
    }
    return { record: JSON.parse(json) as JournalRecord, json }
  }
}
