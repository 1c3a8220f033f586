import type { Custody, KeyAlgorithm } from '@warder/contract'
import type { CommandName } from './commands.ts'

/**
 * What calls take of a host, in P-256 signatures, as measured on SoftHSM. They need not be exact: they keep who asks for
 * much from being served as often as who asks for little.
 */
const uses: Readonly<Record<KeyAlgorithm, number>> = {
  'P-256': 1,
  'P-384': 8,
  'P-521': 16,
  'RSA-2048': 8,
  'RSA-3072': 30,
  'RSA-4096': 60,
  Ed25519: 3,
  'AES-256': 1,
  'HMAC-SHA-256': 1,
  'HMAC-SHA-384': 1,
  'HMAC-SHA-512': 1,
}

const generations: Readonly<Record<KeyAlgorithm, number>> = {
  'P-256': 20,
  'P-384': 30,
  'P-521': 40,
  'RSA-2048': 1500,
  'RSA-3072': 6000,
  'RSA-4096': 15_000,
  Ed25519: 20,
  'AES-256': 20,
  'HMAC-SHA-256': 20,
  'HMAC-SHA-384': 20,
  'HMAC-SHA-512': 20,
}

/** Unwrapping a sealed key, or anything of that kind. */
const transfer = 15

/** What makes or removes keys: a token does these one at a time, and some of them take it seconds. */
const changing: ReadonlySet<CommandName> = new Set(['generate', 'importKey', 'createRootKey', 'destroy'])

export function changesKeys(command: CommandName): boolean {
  return changing.has(command)
}

/**
 * Of them, what makes or removes objects of the token, where a sealed key makes none. One host does these: while SoftHSM makes
 * an object in one process, it misses there for good what another process makes meanwhile.
 */
export function changesToken(command: CommandName, custody: Custody | undefined): boolean {
  return changing.has(command) && custody !== 'sealed'
}

const byCommand: Readonly<Partial<Record<CommandName, number>>> = {
  // its RSA-4096 key opens what is brought
  importKey: uses['RSA-4096'] + transfer,
  exportKey: transfer,
  rewrap: transfer,
  createRootKey: transfer,
  destroy: transfer,
  rootKeyBackup: transfer,
}

/** `algorithm`: of the key that is used, or made. */
export function costOf(command: CommandName, algorithm: KeyAlgorithm | undefined): number {
  const fixed = byCommand[command]
  if (fixed !== undefined || algorithm === undefined) return fixed ?? 1
  return command === 'generate' ? generations[algorithm] : uses[algorithm]
}
