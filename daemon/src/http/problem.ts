import { WarderError, type Facts, type WarderCode } from '@warder/contract'

export interface ProblemSpec {
  readonly status: number
  readonly title: string
  /** True when the same request may succeed later without anyone changing anything. */
  readonly retryable: boolean
  /** Seconds, for the Retry-After header. */
  readonly retryAfter?: number
  /** A sentence for the caller of a failure, which otherwise learns no more than the title. */
  readonly hint?: string
  /** An expected state that every request meets: not worth a log line each time. */
  readonly quiet?: true
}

const bad = (title: string, status = 400): ProblemSpec => ({ status, title, retryable: false })
const broken = (title: string, status = 503): ProblemSpec => ({ status, title, retryable: false })
const later = (title: string, retryAfter: number): ProblemSpec => ({ status: 503, title, retryable: true, retryAfter })

/** How each code looks over HTTP. A code without a line here does not compile. */
export const problems: Readonly<Record<WarderCode, ProblemSpec>> = {
  'malformed-request': bad('The request is malformed'),
  'unknown-field': bad('The request has a field that this operation does not take'),
  'forbidden-field': bad('The request has a field name that is never accepted'),
  'malformed-base64': bad('A field is not base64'),
  'body-too-large': bad('The body, or one input in it, is too large', 413),
  'too-complex': bad('The request is nested too deeply or has too many parts'),
  'unsupported-media-type': bad('The body must be application/json in UTF-8, not compressed', 415),
  'route-not-found': bad('There is no such route', 404),
  'method-not-allowed': bad('The route does not take this method', 405),

  'missing-credentials': bad('Credentials are required', 401),
  'invalid-credentials': bad('The credentials are not valid', 401),
  forbidden: bad('The caller may not do this', 403),

  'space-not-found': bad('There is no such space', 404),
  'space-exists': bad('The space exists already', 409),
  'key-not-found': bad('There is no such key', 404),
  'key-exists': bad('The key name is taken or was used before', 409),
  'version-not-found': bad('The key has no such version', 404),
  'version-below-minimum': bad('The version is below the minimum set for this key', 409),
  'unknown-algorithm': bad('The algorithm is not known'),
  'algorithm-mismatch': bad('The algorithm does not fit the key'),
  'usage-not-allowed': bad('The key is not for this use', 422),
  'wrong-state': bad('The state of the key does not allow this', 409),
  // One answer for whatever may be wrong with what was to be opened.
  'decryption-failed': bad('This could not be opened', 422),
  'not-exportable': bad('The key was not made to be exported', 409),
  'use-limit-reached': bad('The key version was used as often as it may be', 409),
  'import-key-not-found': bad('There is no such import key, or it was used or has expired', 404),

  'precondition-required': bad('If-Match is required', 428),
  'precondition-failed': bad('The thing was changed meanwhile', 412),
  'idempotency-conflict': bad('The Idempotency-Key was used for another request', 422),
  'idempotency-in-flight': {
    ...bad('The first request of this Idempotency-Key is still running', 409),
    retryable: true,
  },
  'api-key-not-found': bad('There is no such API key', 404),

  'stale-revision': { ...bad('The record was changed meanwhile', 409), retryable: true },
  'record-corrupt': broken('A stored record failed its integrity check'),
  'record-rolled-back': broken('A stored record is older than the journal says'),
  'record-missing': broken('A stored record that the journal knows is missing'),
  'storage-unavailable': later('The storage is not available', 5),

  'journal-unavailable': later('The audit journal is not available', 5),
  'journal-corrupt': broken('The audit journal failed its integrity check'),
  'over-capacity': { ...later('The appliance is over capacity', 1), quiet: true },

  'unsupported-mechanism': bad('The HSM does not offer a mechanism this needs', 422),
  'hsm-unavailable': later('The HSM is not available', 2),
  'hsm-timeout': later('The HSM did not answer in time', 2),
  'hsm-failed': broken('The HSM failed'),
  'hsm-key-missing': broken('The HSM does not have a key that it should have'),
  'pin-refused': broken('The HSM refused the PIN'),
  sealed: {
    ...later('The appliance is sealed', 10),
    hint: 'An operator unseals it with `warder unseal` on its host.',
    quiet: true,
  },
  'not-initialised': { ...broken('The appliance is not initialised', 501), quiet: true },
  'already-initialised': bad('The appliance is initialised already', 409),
  'backup-not-possible': bad('The appliance cannot be backed up as it is', 409),
  'backup-damaged': bad('The backup was changed, is not all of it, or is for another recipient', 422),

  'plugin-failed': broken('A plugin failed', 500),
  'config-invalid': broken('The configuration is not valid', 500),
  // Seen only by a caller who is still there, when the appliance gave the work up by itself.
  cancelled: { ...later('The request was given up', 1), quiet: true },
  internal: broken('Something went wrong inside', 500),
}

/** RFC 9457, with `code`, `request_id`, `retryable` and the error's safe facts as extension members. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: WarderCode
  readonly request_id: string
  readonly retryable: boolean
  readonly [fact: string]: Facts[string]
}

/**
 * What a caller is told. For the caller's own mistakes that is the error's message and facts; of what went wrong inside
 * they learn the code and its title, and an operator finds the rest in the log under the request id.
 */
export function problemOf(error: WarderError, requestId: string): Problem {
  const { status, title, retryable, hint } = problems[error.code]
  const own = status < 500
  return {
    ...(own ? error.facts : {}),
    type: `urn:warder:problem:${error.code}`,
    title,
    status,
    detail: own ? error.message : hint === undefined ? `${title}.` : `${title}. ${hint}`,
    code: error.code,
    request_id: requestId,
    retryable,
  }
}

/** A {@link Problem} within an answer: it is of the same request. */
export type ItemProblem = Omit<Problem, 'request_id'>

export function itemProblemOf(error: WarderError): ItemProblem {
  const { request_id: _, ...problem } = problemOf(error, '')
  return problem
}

/** Anything but a WarderError of a known code is `internal`, with the original as its cause. */
export function asWarderError(error: unknown): WarderError {
  if (WarderError.is(error) && Object.hasOwn(problems, error.code)) return error
  return new WarderError('internal', 'something went wrong inside', { cause: error })
}
