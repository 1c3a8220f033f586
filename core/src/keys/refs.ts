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
  if (ref === undefined) refs.set(record, (ref = toRef(record)))
  return ref
}
