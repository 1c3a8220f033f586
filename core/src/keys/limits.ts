import { WarderError } from '@warder/contract'

/** The most bytes one operation takes; larger things are signed as digests and encrypted under data keys. */
export const maxInputBytes = 65_536

/** @throws WarderError `malformed-request`, naming the field. */
export function requireLength(
  field: string,
  bytes: Uint8Array,
  { least = 0, most = maxInputBytes }: { least?: number; most?: number } = {},
): void {
  if (bytes.length >= least && bytes.length <= most) return
  throw new WarderError('malformed-request', `${field} is ${least} to ${most} bytes.`, { facts: { field } })
}
