import { hash } from 'node:crypto'
import type { Attributes, StoredRecord } from '@warder/contract'

/**
 * A record as a file, readable with `head -2`:
 *
 *     warder-record 1 <sha256 of the second line> <its length in bytes>
 *     {"collection":…,"id":…,"revision":…,"attributes":{…},"bodyBytes":…,"bodySha256":…}
 *     <body>
 *
 * The lines end in LF, the lengths are exact and nothing follows the body. The digests tell a torn or foreign file from a
 * record; they are no protection against a writer who means harm, which is for the seal inside the body.
 */
export interface Header extends Content {
  /** SHA-256 of the second line: one for each different content. */
  readonly digest: string
  /** Where the body begins, in bytes. */
  readonly bodyStart: number
}

interface Content {
  readonly collection: string
  readonly id: string
  readonly revision: number
  readonly attributes: Attributes
  readonly bodyBytes: number
  readonly bodySha256: string
}

const firstLine = /^warder-record 1 ([0-9a-f]{64}) ([1-9][0-9]{0,9})\n/

/** How many bytes at the start of a file are enough for its first line. */
export const firstLineBytes = 96

/** Its own copy of the record: what the caller changes afterwards is not in it. */
export function encodeRecord({ collection, id, revision, attributes, body }: StoredRecord): {
  header: Header
  bytes: Uint8Array
} {
  const content: Content = {
    collection,
    id,
    revision,
    attributes,
    bodyBytes: body.length,
    bodySha256: hash('sha256', body, 'hex'),
  }
  const line = Buffer.from(`${JSON.stringify(content)}\n`)
  const digest = hash('sha256', line, 'hex')
  const first = Buffer.from(`warder-record 1 ${digest} ${line.length}\n`)
  const bytes = Buffer.concat([first, line, body])
  // from the copy, not from what the caller may change
  const copy = JSON.parse(line.toString()) as Content
  return { header: { ...copy, digest, bodyStart: first.length + line.length }, bytes }
}

/** How many bytes the header has in all; undefined when this is not the start of a record file. */
export function headerBytes(start: Uint8Array): number | undefined {
  const found = firstLine.exec(Buffer.from(start.subarray(0, firstLineBytes)).toString('latin1'))
  return found ? found[0].length + Number(found[2]) : undefined
}

/**
 * The header of a file of this many bytes in all, from its first bytes.
 * @throws Error, saying what is wrong, when they are not those of a whole record.
 */
export function decodeHeader(start: Uint8Array, fileBytes: number): Header {
  const found = firstLine.exec(Buffer.from(start.subarray(0, firstLineBytes)).toString('latin1'))
  if (!found) throw new Error('this is not a record')
  const [{ length: lineStart }, digest = '', lineBytes] = found
  const bodyStart = lineStart + Number(lineBytes)
  const line = start.subarray(lineStart, bodyStart)
  if (line.length !== Number(lineBytes) || hash('sha256', line, 'hex') !== digest) {
    throw new Error('the header is torn or changed')
  }
  const content: unknown = JSON.parse(Buffer.from(line).toString('utf8'))
  if (!isContent(content)) throw new Error('the header lacks a member')
  if (bodyStart + content.bodyBytes !== fileBytes) throw new Error('the file has another length than its header says')
  return { ...content, digest, bodyStart }
}

/** @throws Error, saying what is wrong, when these are not the bytes of a whole record. */
export function decodeRecord(bytes: Uint8Array): { header: Header; record: StoredRecord } {
  const header = decodeHeader(bytes, bytes.length)
  const body = new Uint8Array(bytes.subarray(header.bodyStart))
  if (hash('sha256', body, 'hex') !== header.bodySha256) throw new Error('the body is torn or changed')
  const { collection, id, revision, attributes } = header
  return { header, record: { collection, id, revision, attributes, body } }
}

function isContent(value: unknown): value is Content {
  if (typeof value !== 'object' || value === null) return false
  const { collection, id, revision, attributes, bodyBytes, bodySha256 } = value as Partial<
    Record<keyof Content, unknown>
  >
  return (
    typeof collection === 'string' &&
    typeof id === 'string' &&
    Number.isSafeInteger(revision) &&
    typeof attributes === 'object' &&
    attributes !== null &&
    Number.isSafeInteger(bodyBytes) &&
    typeof bodySha256 === 'string'
  )
}
