import type { Permission } from '../call.ts'

/**
 * Glossary
 * - *API key*: `wrd_<id>_<secret>`, shown once. At rest there is an Argon2id hash (RFC 9106) of the secret.
 * - *check*: the last 8 bytes of the secret are a truncated HMAC over id and secret; a forged key fails there and never
 *   costs an Argon2id run.
 */
export interface ApiKeyView {
  readonly id: string
  readonly identity: string
  readonly spaces: readonly string[] | '*'
  readonly permissions: readonly Permission[]
  readonly createdAt: string
  readonly createdBy: string
  /** RFC 3339, or `null` for a key that does not expire. */
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

export interface CreateApiKey {
  /** Who uses it: `[a-z0-9][a-z0-9._-]{0,62}`. */
  readonly identity: string
  readonly spaces: readonly string[] | '*'
  readonly permissions: readonly Permission[]
  readonly expiresAt: string
}
