import { WarderError } from '@warder/contract'
import type { HostFailure } from './status.ts'

/** What only an operator can mend. Trying again could at best fail alike, and at worst lock the token's PIN. */
const finalCodes: ReadonlySet<string> = new Set(['pin-refused', 'not-initialised', 'config-invalid'])
/** A plugin that cannot be loaded at all stays so; one that could not open its token just now may yet. */
const passingFaults: ReadonlySet<unknown> = new Set(['open-failed', 'open-timed-out'])

export function isFinal({ code, facts }: HostFailure): boolean {
  return finalCodes.has(code) || (code === 'plugin-failed' && !passingFaults.has(facts['fault']))
}

/** For who asked for the host. Its facts came as JSON. */
export function asError({ code, message, facts }: HostFailure): WarderError {
  const told = Object.entries(facts).map(([name, value]) => [name, String(value)] as const)
  return new WarderError(code, message, { facts: Object.fromEntries(told) })
}
