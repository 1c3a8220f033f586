import { WarderError, type WarderCode } from '@warder/contract'

/** What a return value says about the token, beyond the one call that got it. */
export type Meaning = 'pin' | 'gone' | 'busy' | 'unsupported' | 'ambiguous' | 'other'

/**
 * The return values with a meaning of their own; all others are `other`.
 * - `pin`: the PIN was refused, or may not be used. Never try it again.
 * - `gone`: device, session, token or login is lost; nothing will work until the module is initialised anew.
 * - `busy`: the token has no session, or no memory, to give now.
 * - `unsupported`: the token cannot do this.
 * - `ambiguous`: bad input and a broken token look alike; a canary has to tell.
 */
const meanings: Readonly<Record<string, Meaning>> = {
  CKR_PIN_INCORRECT: 'pin',
  CKR_PIN_INVALID: 'pin',
  CKR_PIN_LEN_RANGE: 'pin',
  CKR_PIN_EXPIRED: 'pin',
  CKR_PIN_LOCKED: 'pin',
  CKR_PIN_TOO_WEAK: 'pin',
  CKR_DEVICE_ERROR: 'gone',
  CKR_DEVICE_REMOVED: 'gone',
  CKR_TOKEN_NOT_PRESENT: 'gone',
  CKR_TOKEN_NOT_RECOGNIZED: 'gone',
  CKR_SLOT_ID_INVALID: 'gone',
  CKR_SESSION_HANDLE_INVALID: 'gone',
  CKR_SESSION_CLOSED: 'gone',
  CKR_USER_NOT_LOGGED_IN: 'gone',
  CKR_CRYPTOKI_NOT_INITIALIZED: 'gone',
  CKR_SESSION_COUNT: 'busy',
  CKR_DEVICE_MEMORY: 'busy',
  CKR_HOST_MEMORY: 'busy',
  CKR_MECHANISM_INVALID: 'unsupported',
  CKR_MECHANISM_PARAM_INVALID: 'unsupported',
  CKR_KEY_NOT_WRAPPABLE: 'unsupported',
  CKR_GENERAL_ERROR: 'ambiguous',
  CKR_FUNCTION_FAILED: 'ambiguous',
  // SoftHSM answers these, not CKR_USER_NOT_LOGGED_IN, when the login or the token's directory is gone
  CKR_OBJECT_HANDLE_INVALID: 'ambiguous',
  CKR_KEY_HANDLE_INVALID: 'ambiguous',
  CKR_WRAPPING_KEY_HANDLE_INVALID: 'ambiguous',
  CKR_UNWRAPPING_KEY_HANDLE_INVALID: 'ambiguous',
}

const codes: Readonly<Record<Meaning, WarderCode>> = {
  pin: 'pin-refused',
  gone: 'hsm-unavailable',
  busy: 'hsm-unavailable',
  unsupported: 'unsupported-mechanism',
  ambiguous: 'hsm-failed',
  other: 'hsm-failed',
}

/** The CKR_ name in an error of the binding, which is `Pkcs11Error` for most calls and a plain `Error` for some. */
export function ckrOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || WarderError.is(error)) return undefined
  return /\bCKR_[A-Z0-9_]+/.exec(error.message)?.[0]
}

export function meaningOf(ckr: string): Meaning {
  return meanings[ckr] ?? 'other'
}

/** True when the token does not know the object a call was made with. */
export function isHandleInvalid(error: unknown): boolean {
  return ckrOf(error)?.endsWith('_HANDLE_INVALID') === true && ckrOf(error) !== 'CKR_SESSION_HANDLE_INVALID'
}

/** The typed form of anything thrown around the token. Errors that are typed already, and caller's bugs, pass. */
export function toWarderError(error: unknown): Error {
  if (error instanceof TypeError || WarderError.is(error)) return error
  const ckr = ckrOf(error)
  if (ckr === undefined) return new WarderError('hsm-failed', 'the HSM could not be used', { cause: error })
  const code = codes[meaningOf(ckr)]
  return new WarderError(code, `the token answered ${ckr}`, { facts: { ckr }, cause: error })
}
