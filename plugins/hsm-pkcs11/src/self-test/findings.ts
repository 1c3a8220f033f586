import type { SelfTestFinding } from '@warder/contract'

/** Why something matters, and what mends it. */
export interface Remedy {
  readonly why: string
  readonly fix: string
}

export const ok = (check: string, found: string): SelfTestFinding => ({ check, status: 'ok', found })

export const note = (check: string, found: string, why: string): SelfTestFinding => ({
  check,
  status: 'note',
  found,
  why,
})

export const warning = (check: string, found: string, remedy: Remedy): SelfTestFinding => ({
  check,
  status: 'warning',
  found,
  ...remedy,
})

export const problem = (check: string, found: string, remedy: Remedy): SelfTestFinding => ({
  check,
  status: 'problem',
  found,
  ...remedy,
})

/** `reason`: why it could not be looked at. */
export const notChecked = (check: string, reason: string): SelfTestFinding => ({
  check,
  status: 'not-checked',
  found: reason,
})
