/**
 * Every way Warder can refuse, by code. Codes are API: they never change meaning within a contract major, while messages
 * are prose for people and may improve.
 */
export const warderCodes = [
  // what the caller sent
  'malformed-request',
  'unknown-field',
  'forbidden-field',
  'malformed-base64',
  'body-too-large',
  'too-complex',
  'unsupported-media-type',
  'route-not-found',
  'method-not-allowed',
  // who the caller is, and what they may do
  'missing-credentials',
  'invalid-credentials',
  'forbidden',
  // spaces, keys and their versions
  'space-not-found',
  'space-exists',
  'key-not-found',
  'key-exists',
  'version-not-found',
  'version-below-minimum',
  'unknown-algorithm',
  'algorithm-mismatch',
  'usage-not-allowed',
  'wrong-state',
  'decryption-failed',
  'not-exportable',
  'use-limit-reached',
  'import-key-not-found',
  'precondition-required',
  'precondition-failed',
  'idempotency-conflict',
  'idempotency-in-flight',
  'api-key-not-found',
  // storage: it answered, and what it answered cannot be used
  'stale-revision',
  'record-corrupt',
  'record-rolled-back',
  'record-missing',
  'storage-unavailable',
  // the journal
  'journal-unavailable',
  'journal-corrupt',
  'over-capacity',
  // the HSM
  'unsupported-mechanism',
  'hsm-unavailable',
  'hsm-timeout',
  'hsm-failed',
  'hsm-key-missing',
  'pin-refused',
  'sealed',
  'not-initialised',
  'already-initialised',
  'backup-not-possible',
  'backup-damaged',
  // the appliance itself
  'plugin-failed',
  'config-invalid',
  'cancelled',
  'internal',
] as const

export type WarderCode = (typeof warderCodes)[number]

/** What may be said to anyone about an error. Never key bytes, input bytes, secrets, paths of the host or SQL. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

const brand = Symbol.for('warder.error.1')

/**
 * The one error type that crosses a contract. `code` is for programs, `message` for people, `facts` are safe to show,
 * and `cause` stays in the process: it is for logs and is never serialised to a caller.
 *
 * A `TypeError` means a bug in the calling code, not a refusal.
 */
export class WarderError extends Error {
  override readonly name = 'WarderError'
  readonly code: WarderCode
  readonly facts: Facts

  constructor(code: WarderCode, message: string, options: { facts?: Facts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.facts = options.facts ?? {}
    Object.defineProperty(this, brand, { value: true })
  }

  /** True for a WarderError of this code (of any code when none is given), also one made by another copy of this package. */
  static is<C extends WarderCode>(error: unknown, ...codes: readonly C[]): error is WarderError & { readonly code: C } {
    if (typeof error !== 'object' || error === null || !(brand in error)) return false
    return codes.length === 0 || (codes as readonly unknown[]).includes((error as { code?: unknown }).code)
  }
}
