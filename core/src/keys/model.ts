import type { Custody, KeyAlgorithm, SignatureAlgorithm } from '@warder/contract'

/**
 * Glossary
 * - *key*: addressed by `name`, unique in its space and never reused, with a permanent `id` (UUID).
 * - *version*: an immutable artifact of a key, numbered from 1: its public key and its private half's place.
 * - *primary version*: the one that signs when none is named.
 * - *generation*: counts every change of the key record; the ETag is made from it.
 */
export interface KeyView {
  readonly id: string
  readonly space: string
  readonly name: string
  readonly algorithm: KeyAlgorithm
  readonly custody: Custody
  readonly usages: readonly ['sign']
  readonly tags: Readonly<Record<string, string>>
  readonly description: string
  readonly primary: number
  readonly versions: readonly VersionView[]
  readonly generation: number
  readonly createdAt: string
  readonly createdBy: string
}

export interface VersionView {
  readonly number: number
  readonly state: 'active'
  readonly createdAt: string
}

export interface CreateKey {
  readonly name: string
  readonly algorithm: string
  readonly custody?: Custody | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly description?: string | undefined
}

/** `der` is ECDSA-Sig-Value (RFC 3279 section 2.2.3), `raw` is r‖s (IEEE P1363). Only ES* signatures have two forms. */
export type SignatureFormat = 'der' | 'raw'

export interface SignInput {
  /** Absent: the key algorithm's default (ES256, ES384, ES512, PS256 or EdDSA). */
  readonly algorithm?: string | undefined
  /** The message, or its digest when `prehashed`. */
  readonly input: Uint8Array
  readonly prehashed?: boolean | undefined
  readonly format?: SignatureFormat | undefined
  readonly version?: number | undefined
}

export interface Signed {
  readonly signature: Uint8Array
  readonly algorithm: SignatureAlgorithm
  readonly format: SignatureFormat
  readonly version: number
}

export interface VerifyInput extends SignInput {
  readonly signature: Uint8Array
}

export interface Verified {
  /** An invalid signature is a result, not an error. */
  readonly valid: boolean
  readonly algorithm: SignatureAlgorithm
  readonly version: number
}

export interface PublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  readonly algorithm: KeyAlgorithm
  readonly version: number
}
