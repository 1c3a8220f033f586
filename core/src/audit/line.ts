import { hash as hashAtOnce } from 'node:crypto'
import type { JournalRecord } from './event.ts'

/**
 * The journal as text, made to be read with `tail`, `jq` and `sha256sum`:
 *
 *     <sha256 of the record, hex> <record: canonical JSON>\n        one per record
 *     commit <seq> <count> <running hash, hex>\n                    one per batch
 *
 * A commit line closes a batch: `seq` is that of its last record, `count` how many it has, and the running hash is SHA-256
 * over the previous running hash and the batch's record hashes, all as hex text. Whatever follows the last commit line was
 * never acknowledged.
 */
export const zeroHash = '0'.repeat(64)

/** Records never exceed this many bytes of canonical JSON. */
export const maxRecordBytes = 65_535

/** A character takes at most three bytes of UTF-8, so that few records need be measured. */
export const isTooLong = (json: string): boolean =>
  json.length > maxRecordBytes / 3 && Buffer.byteLength(json) > maxRecordBytes

/** Records per segment file; a segment holds the sequence numbers `n × 65,536` to `(n + 1) × 65,536 − 1`. */
export const segmentRecords = 65_536

/** In one call, without an object: a start hashes every record there is. */
export const hashOf = (bytes: Uint8Array | string): string => hashAtOnce('sha256', bytes, 'hex')

export function commitLine(seq: number, count: number, runningHash: string): string {
  return `commit ${seq} ${count} ${runningHash}\n`
}

export const runningHash = (previous: string, recordHashes: readonly string[]): string =>
  hashOf(previous + recordHashes.join(''))

export const segmentName = (firstSeq: number): string => `${String(firstSeq).padStart(16, '0')}.log`

/** The first sequence number of the segment a file name stands for, or `undefined` when it is no segment's name. */
export function segmentStart(name: string): number | undefined {
  return /^\d{16}\.log$/.test(name) ? Number(name.slice(0, 16)) : undefined
}

/** The state of a chain after its last committed record. */
export interface ChainState {
  readonly origin: string | undefined
  /** The sequence number the next record gets; the count of records so far. */
  readonly next: number
  readonly head: string
  readonly running: string
}

export const emptyChain: ChainState = { origin: undefined, next: 0, head: zeroHash, running: zeroHash }

export type LineFault =
  'not a record' | 'hash does not match' | 'not JSON' | 'other origin' | 'sequence broken' | 'chain broken'

/** Checks one record line (without its newline) against the chain it should continue. */
export function readRecordLine(
  line: Buffer,
  chain: { origin: string | undefined; next: number; head: string },
): { record: JournalRecord; hash: string } | { fault: LineFault } {
  if (line.length < 67 || line[64] !== 0x20 || line.length > 65 + maxRecordBytes) return { fault: 'not a record' }
  const hash = hashOf(line.subarray(65))
  if (line.toString('latin1', 0, 64) !== hash) return { fault: 'hash does not match' }
  let record: JournalRecord
  try {
    record = JSON.parse(line.toString('utf8', 65)) as JournalRecord
  } catch {
    return { fault: 'not JSON' }
  }
  if (record === null || typeof record !== 'object' || record.v !== 1) return { fault: 'not a record' }
  if (record.seq !== chain.next) return { fault: 'sequence broken' }
  if (record.prev !== chain.head) return { fault: 'chain broken' }
  if (chain.origin !== undefined && record.origin !== chain.origin) return { fault: 'other origin' }
  return { record, hash }
}
