import pkcs11js from 'pkcs11js'
import type { SelfTestFinding } from '@warder/contract'
import { ok, problem, warning } from './findings.ts'

const check = 'PIN tries left'

export interface PinState {
  readonly finding: SelfTestFinding
  /** Whether one more refused PIN would not lock the token. */
  readonly mayLogIn: boolean
}

/**
 * What CK_TOKEN_INFO says of the user's PIN (PKCS#11 v2.40 section 3.2). Tokens tell not how many tries are left, only that
 * one was wrong, that the next one is the last, and that none is left.
 */
export function pinState(flags: number): PinState {
  const has = (flag: number): boolean => (flags & flag) !== 0
  if (!has(pkcs11js.CKF_USER_PIN_INITIALIZED)) {
    const why = 'nobody can log in before there is one'
    return refused('the token has no user PIN', { why, fix: 'warder-hsm init --new-token' })
  }
  if (has(pkcs11js.CKF_USER_PIN_LOCKED)) {
    const why = 'the token refuses every PIN until its security officer sets a new one'
    return refused('the PIN is locked', { why, fix: unlock })
  }
  if (has(pkcs11js.CKF_USER_PIN_FINAL_TRY)) {
    const why = 'one more refused PIN locks the token, so it was not tried here'
    return refused('one try is left', { why, fix: `check the PIN by hand, or ${unlock}` })
  }
  if (has(pkcs11js.CKF_USER_PIN_COUNT_LOW)) {
    const why = 'a refused PIN was presented since the last good one'
    const fix = 'journalctl -u warder-hsm --grep=pin-refused'
    return { finding: warning(check, 'not all tries are left', { why, fix }), mayLogIn: true }
  }
  return { finding: ok(check, 'all'), mayLogIn: true }
}

const unlock = "have the security officer set it anew with the maker's tool (pkcs11-tool --init-pin)"

function refused(found: string, remedy: { readonly why: string; readonly fix: string }): PinState {
  return { finding: problem(check, found, remedy), mayLogIn: false }
}
