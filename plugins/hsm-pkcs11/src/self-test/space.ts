import type { SelfTestFinding } from '@warder/contract'
import { note, notChecked, ok, warning } from './findings.ts'

const check = 'space on the token'

/** Bytes; a key pair with its attributes takes about two thousand. */
const low = 64 * 1024

/** What CK_TOKEN_INFO says of room for private objects, as far as the token tells. */
export function spaceFinding({ free, total }: { readonly free: number; readonly total: number }): SelfTestFinding {
  // all ones is CK_UNAVAILABLE_INFORMATION, whatever the width of CK_ULONG
  if (free >= 0xffffffff) return notChecked(check, 'the token does not tell')
  // some tokens leave what they do not know at zero
  if (free === 0 && total === 0) return note(check, 'the token says 0 of 0 bytes', 'it does not know, or is full')
  const found = `${free} of ${total >= 0xffffffff ? 'an unknown number of' : total} bytes are free`
  if (free >= low) return ok(check, found)
  const fix = 'destroy resident keys that are not needed, or make sealed ones'
  return warning(check, found, { why: 'resident and root keys are kept there', fix })
}
