import type { SelfTestFinding } from '@warder/contract'
import { ckrOf, meaningOf } from '../ckr.ts'
import type { Cryptoki, Handle } from '../cryptoki.ts'
import { closeSession, readWrite } from '../session-pool.ts'
import { note, ok, warning } from './findings.ts'

const check = 'session limit'
/** More are not tried: what others use the token for must not suffer. */
export const mostTried = 64

export interface SessionFacts {
  /** Sessions that were open at once here; `limited` when the token gave no more. */
  readonly opened: number
  readonly limited: boolean
  /** What the token says, `Infinity` for no limit. */
  readonly told: number
  /** `sessions.max` of the configuration. */
  readonly wanted: number
}

/** Opens sessions until the token gives no more, or as many as are wanted, and closes them again. */
export function measureSessions(
  lib: Cryptoki,
  slot: Handle,
  { told, wanted }: Pick<SessionFacts, 'told' | 'wanted'>,
): SessionFacts {
  const open: Handle[] = []
  const enough = Math.min(wanted, mostTried)
  let limited = false
  try {
    while (open.length < enough) open.push(lib.C_OpenSession(slot, readWrite))
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || meaningOf(ckr) !== 'busy') throw error
    limited = true
  } finally {
    for (const session of open) closeSession(lib, session)
  }
  return { opened: open.length, limited, told, wanted }
}

export function sessionFinding({ opened, limited, told, wanted }: SessionFacts): SelfTestFinding {
  const says = Number.isFinite(told) ? `it says ${told}` : 'it names no limit'
  if (limited) {
    const found = `${opened} sessions could be opened beside those in use, ${wanted} are configured; ${says}`
    const fix = `set hsm.config.sessions.max to ${Math.max(1, opened)} or less, then systemctl restart warder-hsm`
    return warning(check, found, { why: 'calls beyond it fail with hsm-unavailable', fix })
  }
  if (told - 1 < wanted) {
    return note(check, `${says}, ${wanted} are configured`, 'no more than the token says are used at once')
  }
  return ok(check, `${opened} of ${wanted} configured could be opened at once; ${says}`)
}
