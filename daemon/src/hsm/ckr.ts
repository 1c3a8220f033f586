import { WarderError } from '@warder/contract'

const form = /^CKR_[A-Z0-9_]{1,60}$/

/** The return value of PKCS#11 (CKR_…) that an error's facts tell, when they tell one. */
export function ckrIn(error: unknown): string | undefined {
  if (!WarderError.is(error)) return undefined
  const { ckr } = error.facts
  return typeof ckr === 'string' && form.test(ckr) ? ckr : undefined
}
