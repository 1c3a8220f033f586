import { WarderError } from '@warder/contract'
import type { JournalFiles } from './files.ts'
import {
  type ChainState,
  commitLine,
  hashOf,
  maxRecordBytes,
  runningHash,
  segmentName,
  segmentRecords,
  zeroHash,
} from './line.ts'

export interface JournalBytes {
  /** The file they belong to. */
  readonly segment: string
  readonly bytes: Uint8Array
}

/**
 * The bytes of a journal from its start up to a point, whole batches only, while its writer goes on. Every hash on the way
 * is checked, and the last one is the point's: what comes is that journal, or nothing comes after the first fault.
 * @throws WarderError `journal-corrupt` when the files do not lead to this point
 */
export async function* copyJournal(
  files: Pick<JournalFiles, 'read'>,
  { next, running: end }: ChainState,
): AsyncGenerator<JournalBytes> {
  let running = zeroHash
  for (let first = 0; first < next; first += segmentRecords) {
    const segment = segmentName(first)
    const reader = new BatchReader(segment, first, running, Math.min(next, first + segmentRecords))
    for await (const chunk of files.read(segment)) {
      const bytes = reader.push(chunk)
      if (bytes.length > 0) yield { segment, bytes }
      if (reader.done) break
    }
    if (!reader.done) throw damaged(segment, 'it ends early')
    running = reader.running
  }
  if (running !== end) throw damaged(segmentName(next - 1 - ((next - 1) % segmentRecords)), 'its hashes lead elsewhere')
}

/** Takes a segment in any pieces, and gives back its batches as each is complete and found right. */
class BatchReader {
  readonly #segment: string
  readonly #until: number
  #next: number
  #hashes: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  running: string
  done = false

  constructor(segment: string, first: number, running: string, until: number) {
    this.#segment = segment
    this.#next = first
    this.running = running
    this.#until = until
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.concat([this.#rest, chunk])
    let from = 0
    let whole = 0
    // What was looked at before is looked at again: a batch is at most a few megabytes.
    this.#hashes = []
    let next = this.#next
    for (let to = bytes.indexOf(0x0a); to !== -1 && !this.done; to = bytes.indexOf(0x0a, from)) {
      const line = bytes.subarray(from, to)
      from = to + 1
      if (line.toString('latin1', 0, 7) !== 'commit ') {
        const hash = hashOf(line.subarray(65))
        if (line.length > 65 + maxRecordBytes || line.toString('latin1', 0, 64) !== hash)
          throw damaged(this.#segment, `record ${next} does not have its hash`)
        this.#hashes.push(hash)
        next++
        continue
      }
      const running = runningHash(this.running, this.#hashes)
      if (`${line.toString('latin1')}\n` !== commitLine(next - 1, this.#hashes.length, running)) {
        throw damaged(this.#segment, `the commit of record ${next - 1} does not match`)
      }
      this.running = running
      this.#hashes = []
      this.#next = next
      whole = from
      this.done = next >= this.#until
    }
    this.#rest = bytes.subarray(whole)
    if (this.#rest.length > longestBatch) throw damaged(this.#segment, 'a batch does not end')
    return bytes.subarray(0, whole)
  }
}

/** Far above any: a batch grows to 1 MiB of text by whole records, one at least. */
const longestBatch = 1 << 23

function damaged(file: string, reason: string): WarderError {
  return new WarderError('journal-corrupt', `The journal file ${file} cannot be copied: ${reason}.`, {
    facts: { file, reason },
  })
}
