import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import type { Config } from './config.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'

export interface TokenDescription {
  readonly slot: Handle
  readonly label: string
  readonly serial: string
  readonly manufacturer: string
  readonly model: string
  readonly firmware: string
  /** CKF_ flags of CK_TOKEN_INFO. */
  readonly flags: number
  /** The most sessions the token will open, `Infinity` when it names no limit. */
  readonly maxSessions: number
}

/** Every initialised token the module shows. */
export function listTokens(lib: Cryptoki): readonly TokenDescription[] {
  return lib
    .C_GetSlotList(true)
    .map(slot => describe(lib, slot))
    .filter(token => (token.flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0)
}

/**
 * The one token that configuration names.
 * @throws WarderError `hsm-unavailable` when there is none, `config-invalid` when two match; the facts name them.
 */
export function findToken(lib: Cryptoki, wanted: Config['token']): TokenDescription {
  const matches = listTokens(lib).filter(token =>
    'label' in wanted ? token.label === wanted.label : token.serial === wanted.serial,
  )
  const [token, another] = matches
  if (token === undefined) {
    throw new WarderError('hsm-unavailable', 'no such token is present', { facts: { field: 'token', ...wanted } })
  }
  if (another !== undefined) {
    const serials = matches.map(match => match.serial).toSorted()
    throw new WarderError('config-invalid', 'several tokens match: name the one by its serial', {
      facts: { field: 'token', ...wanted, serials },
    })
  }
  return token
}

export function describe(lib: Cryptoki, slot: Handle): TokenDescription {
  const info = lib.C_GetTokenInfo(slot)
  return {
    slot,
    label: unpad(info.label),
    serial: unpad(info.serialNumber),
    manufacturer: unpad(info.manufacturerID),
    model: unpad(info.model),
    firmware: `${info.firmwareVersion.major}.${info.firmwareVersion.minor}`,
    flags: info.flags,
    maxSessions: Math.min(limit(info.maxSessionCount), limit(info.maxRwSessionCount)),
  }
}

// PKCS#11 pads with spaces; some modules pad with NUL
export function unpad(text: string): string {
  return text.replace(/[\s\0]+$/u, '')
}

// 0 is CK_EFFECTIVELY_INFINITE and all ones CK_UNAVAILABLE_INFORMATION, whatever the width of CK_ULONG
function limit(count: number): number {
  return count === 0 || count >= 0xffffffff ? Infinity : count
}
