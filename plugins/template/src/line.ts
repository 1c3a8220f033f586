import { hash } from 'node:crypto'
import type { StoredRecord, Write } from '@warder/contract'

/** A write as JSON can hold it: the body in base64. */
type PlainWrite =
  | { readonly put: Omit<StoredRecord, 'body'> & { readonly body: string }; readonly expect: number | 'absent' }
  | { readonly delete: { readonly collection: string; readonly id: string }; readonly expect: number }

/** One line of the log, LF at its end: a checksum, then what was written together. */
export function encodeLine(writes: readonly Write[]): string {
  const json = JSON.stringify(writes.map(plain))
  return `${checksum(json)} ${json}\n`
}

/** The writes of a line, given without its LF; undefined when it is not whole. */
export function decodeLine(line: string): Write[] | undefined {
  const json = line.slice(17)
  return line === `${checksum(json)} ${json}` ? (JSON.parse(json) as PlainWrite[]).map(rich) : undefined
}

function plain(write: Write): PlainWrite {
  if ('delete' in write) return write
  const { collection, id, revision, attributes, body } = write.put
  const text = Buffer.from(body).toString('base64')
  return { put: { collection, id, revision, attributes, body: text }, expect: write.expect }
}

function rich(write: PlainWrite): Write {
  if ('delete' in write) return write
  const body = new Uint8Array(Buffer.from(write.put.body, 'base64'))
  return { put: { ...write.put, body }, expect: write.expect }
}

function checksum(json: string): string {
  return hash('sha256', json, 'hex').slice(0, 16)
}
