import type { KeyRef } from '@warder/contract'
import type { VersionRecord } from './collection.ts'
import { toRef } from './material.ts'

const refs = new WeakMap<VersionRecord, KeyRef>()

/**
 * As {@link toRef}, once for each record: records that are read are frozen and shared, and so is this, bytes and all.
 * @throws WarderError `wrong-state` once the version was destroyed.
 */
export function refOf(record: VersionRecord): KeyRef {
  let ref = refs.get(record)
  if (ref === undefined) refs.set(record, (ref = alone(toRef(record))))
  return ref
}

/** With bytes of its own: small buffers share 8 KiB that each of them would keep for as long as the record is known. */
function alone(ref: KeyRef): KeyRef {
  const members = Object.entries(ref).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Uint8Array ? new Uint8Array(value) : value,
  ])
  return Object.fromEntries(members) as KeyRef
}
