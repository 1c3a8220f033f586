import type { SelfTestFinding } from '@warder/contract'

/** One thing that was looked at. What could not be looked at is `not-checked`, never `ok`. */
export type DoctorFinding = SelfTestFinding

/** Why something matters, as a clause, and the command that mends it. */
export interface Remedy {
  readonly why: string
  readonly fix: string
}

export const ok = (check: string, found: string): DoctorFinding => ({ check, status: 'ok', found })

export const note = (check: string, found: string, why: string): DoctorFinding => ({
  check,
  status: 'note',
  found,
  why,
})

export const warning = (check: string, found: string, remedy: Remedy): DoctorFinding => ({
  check,
  status: 'warning',
  found,
  ...remedy,
})

export const problem = (check: string, found: string, remedy: Remedy): DoctorFinding => ({
  check,
  status: 'problem',
  found,
  ...remedy,
})

/** `reason`: why it could not be looked at; `fix`: what would let it be. */
export const notChecked = (check: string, reason: string, fix?: string): DoctorFinding => ({
  check,
  status: 'not-checked',
  found: reason,
  ...(fix === undefined ? {} : { fix }),
})
