import { WarderError } from '@warder/contract'
import type { JournalRecord } from './event.ts'
import type { JournalFiles } from './files.ts'
import {
  type ChainState,
  commitLine,
  emptyChain,
  maxRecordBytes,
  readRecordLine,
  runningHash,
  segmentName,
  segmentRecords,
  segmentStart,
} from './line.ts'

export interface JournalReport {
  readonly chain: ChainState
  /** The last segment's name, and how many of its bytes are committed; `undefined` when there is no segment. */
  readonly last: { readonly name: string; readonly committedBytes: number } | undefined
  /** What follows the last commit line: begun, and never acknowledged. */
  readonly tail: { readonly bytes: number; readonly records: number }
}

/** What could be verified of a journal, from its start. */
export interface VerifiedPart extends JournalReport {
  /** Why it ends there; `undefined` when it is all there is. A `journal-corrupt` as {@link readJournal} throws it. */
  readonly fault: WarderError | undefined
}

/**
 * Reads a whole journal and checks every byte of it: each record's hash, the chain, the sequence, each commit line, and
 * that no segment is missing between two others. `visit` gets each committed record in order.
 *
 * Only a batch that was being written when the process died may be incomplete, and only at the very end of the last
 * segment; it is reported as the tail.
 *
 * @throws WarderError `journal-corrupt`, facts naming `file`, `line` and `offset` (both of the first bad line) and `reason`.
 */
export async function readJournal(
  files: Pick<JournalFiles, 'list' | 'read'>,
  visit: (record: JournalRecord, hash: string) => void,
): Promise<JournalReport> {
  const { fault: found, ...report } = await readVerifiedPart(files, visit)
  if (found !== undefined) throw found
  return report
}

/** As {@link readJournal}, for a journal that may be damaged: ends at the last batch before the damage. */
export async function readVerifiedPart(
  files: Pick<JournalFiles, 'list' | 'read'>,
  visit: (record: JournalRecord, hash: string) => void,
): Promise<VerifiedPart> {
  const names = (await files.list()).filter(name => segmentStart(name) !== undefined).toSorted()
  let chain = emptyChain
  let report: JournalReport = { chain, last: undefined, tail: { bytes: 0, records: 0 } }
  for (const [index, name] of names.entries()) {
    if (name !== segmentName(chain.next)) {
      return { ...report, fault: fault(name, 1, 0, `segment ${segmentName(chain.next)} is missing`) }
    }
    const reader = new SegmentReader(name, chain, visit)
    let segment: SegmentEnd
    try {
      for await (const chunk of files.read(name)) reader.push(chunk)
      segment = reader.end()
    } catch (error) {
      if (!WarderError.is(error, 'journal-corrupt')) throw error
      return { ...report, ...reader.verified, fault: error }
    }
    chain = segment.chain
    const complete = chain.next % segmentRecords === 0 && chain.next > 0
    report = { chain, last: { name, committedBytes: segment.committedBytes }, tail: segment.tail }
    if (index < names.length - 1 && (!complete || segment.tail.bytes > 0)) {
      return { ...report, fault: fault(name, segment.line, segment.committedBytes, 'the segment ends early') }
    }
  }
  return { ...report, fault: undefined }
}

interface SegmentEnd {
  readonly chain: ChainState
  readonly committedBytes: number
  readonly tail: { readonly bytes: number; readonly records: number }
  readonly line: number
}

class SegmentReader {
  readonly #name: string
  readonly #visit: (record: JournalRecord, hash: string) => void
  readonly #end: number
  #chain: ChainState
  /** Records read since the last commit line, and their hashes. */
  #batch: JournalRecord[] = []
  #hashes: string[] = []
  #rest: Buffer = Buffer.alloc(0)
  #line = 1
  #offset = 0
  #committedBytes = 0

  constructor(name: string, chain: ChainState, visit: (record: JournalRecord, hash: string) => void) {
    this.#name = name
    this.#chain = chain
    this.#visit = visit
    this.#end = chain.next + segmentRecords
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk])
    let from = 0
    for (let to = bytes.indexOf(0x0a); to !== -1; to = bytes.indexOf(0x0a, from)) {
      this.#take(bytes.subarray(from, to))
      this.#offset += to + 1 - from
      this.#line++
      from = to + 1
      if (this.#batch.length === 0) this.#committedBytes = this.#offset
    }
    this.#rest = bytes.subarray(from)
    if (this.#rest.length > 65 + maxRecordBytes + 1) throw this.#fault('line too long')
  }

  /** Up to its last commit line. */
  get verified(): Pick<JournalReport, 'chain' | 'last'> {
    return { chain: this.#chain, last: { name: this.#name, committedBytes: this.#committedBytes } }
  }

  end(): SegmentEnd {
    if (!this.#restIsTorn()) throw this.#fault('not what a write cut short leaves behind')
    return {
      chain: this.#chain,
      committedBytes: this.#committedBytes,
      tail: { bytes: this.#offset + this.#rest.length - this.#committedBytes, records: this.#batch.length },
      line: this.#line,
    }
  }

  #take(line: Buffer): void {
    // no hash in hexadecimal begins like this
    if (line[0] === 0x63 && line[1] === 0x6f) return this.#commit(line.toString('latin1'))
    const next = this.#chain.next + this.#batch.length
    if (next >= this.#end) throw this.#fault('more records than a segment holds')
    const origin = this.#chain.origin ?? this.#batch[0]?.origin
    const read = readRecordLine(line, { origin, next, head: this.#hashes.at(-1) ?? this.#chain.head })
    if ('fault' in read) throw this.#fault(read.fault)
    this.#batch.push(read.record)
    this.#hashes.push(read.hash)
  }

  #commit(line: string): void {
    const [batch, hashes] = [this.#batch, this.#hashes]
    const running = this.#running()
    const next = this.#chain.next + batch.length
    const head = hashes.at(-1)
    if (head === undefined || `${line}\n` !== commitLine(next - 1, batch.length, running)) {
      throw this.#fault(line.startsWith('commit ') ? 'commit line does not match its batch' : 'not a record')
    }
    this.#chain = { origin: this.#chain.origin ?? batch[0]?.origin, next, head, running }
    this.#batch = []
    this.#hashes = []
    for (const [index, record] of batch.entries()) this.#visit(record, hashes[index] as string)
  }

  #running(): string {
    return runningHash(this.#chain.running, this.#hashes)
  }

  #expectedCommit(): string {
    return commitLine(this.#chain.next + this.#batch.length - 1, this.#batch.length, this.#running())
  }

  /**
   * A write cut short leaves a prefix of what was written, perhaps followed by zeros where the file had grown before its
   * data arrived. Anything else at the end was changed afterwards: dropping it could drop what was acknowledged.
   */
  #restIsTorn(): boolean {
    if (this.#rest.length === 0) return true
    let length = this.#rest.length
    while (length > 0 && this.#rest[length - 1] === 0) length--
    const padded = length < this.#rest.length
    const text = this.#rest.toString('latin1', 0, length)
    if (length === 0) return true
    if (this.#batch.length > 0) {
      const commit = this.#expectedCommit()
      if (commit.startsWith(text)) return !(padded && text.length === commit.length - 1)
      if (/^c[^0-9a-f]/.test(text)) return false
    }
    return /^[0-9a-f]{0,64}$/.test(text) || /^[0-9a-f]{64} (\{[^\0]*)?$/s.test(text)
  }

  #fault(reason: string): WarderError {
    return fault(this.#name, this.#line, this.#offset, reason)
  }
}

function fault(file: string, line: number, offset: number, reason: string): WarderError {
  return new WarderError(
    'journal-corrupt',
    `The journal file ${file} is damaged at line ${line} (byte ${offset}): ${reason}.`,
    {
      facts: { file, line, offset, reason },
    },
  )
}
