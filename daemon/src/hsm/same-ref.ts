import type { KeyRef } from '@warder/contract'

/** Whether two references say the same of the same key. Every member counts, whatever members there are. */
export function sameRef(a: KeyRef, b: KeyRef): boolean {
  if (a === b) return true
  const members = Object.keys(a)
  if (members.length !== Object.keys(b).length) return false
  return members.every(name => same(a[name as keyof KeyRef], b[name as keyof KeyRef]))
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0
}
