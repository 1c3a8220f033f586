import type { StoredRecord, Write } from '@warder/contract'
import { encodeAttributes, entriesOf } from './attributes.ts'

/** A write as the writer thread takes it: its own copy of everything, ready to bind. */
export type PlainWrite = PlainPut | PlainDelete

export interface PlainPut {
  readonly kind: 'put'
  readonly collection: string
  readonly id: string
  /** 0 stands for no record. */
  readonly expect: number
  readonly revision: number
  readonly attributes: string
  readonly entries: readonly string[]
  readonly body: Uint8Array<ArrayBuffer>
}

export interface PlainDelete {
  readonly kind: 'delete'
  readonly collection: string
  readonly id: string
  readonly expect: number
}

/** Copies a checked write, so that what its caller changes afterwards is not written. */
export function plainWrite(write: Write): PlainWrite {
  if ('delete' in write) {
    const { collection, id } = write.delete
    return { kind: 'delete', collection, id, expect: write.expect }
  }
  const { collection, id, revision, attributes, body }: StoredRecord = write.put
  return {
    kind: 'put',
    collection,
    id,
    expect: write.expect === 'absent' ? 0 : write.expect,
    revision,
    attributes: encodeAttributes(attributes),
    entries: entriesOf(attributes),
    body: new Uint8Array(body),
  }
}

/** About what a write holds on to while it waits. */
export function bytesOf(write: PlainWrite): number {
  return 512 + (write.kind === 'put' ? write.body.length + 3 * write.attributes.length : 0)
}
