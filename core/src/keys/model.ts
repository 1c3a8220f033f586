import type {
  Custody,
  EncryptionAlgorithm,
  KeyAlgorithm,
  KeyUsage,
  OaepAlgorithm,
  SignatureAlgorithm,
} from '@warder/contract'
import type { KeyState, RevocationReason, VersionState } from './lifecycle.ts'

/**
 * Glossary
 * - *key*: addressed by `name`, unique in its space and never reused, with a permanent `id` (UUID).
 * - *version*: an immutable artifact of a key, numbered from 1: its public key and its private half's place.
 * - *primary version*: the one that protects (signs, encrypts, …) when none is named.
 * - *generation*: counts every change of the key record; the ETag is made from it.
 * - *check value*: names a secret key without telling anything of it.
 */
export interface KeyView {
  readonly id: string
  readonly space: string
  readonly name: string
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyUsage
  readonly custody: Custody
  readonly exportable: boolean
  readonly tags: Readonly<Record<string, string>>
  readonly description: string
  readonly state: KeyState
  /** RFC 3339: when a key that is pending destruction will be destroyed. */
  readonly destroyAt: string | null
  readonly primary: number
  /** The lowest version that may still process: decrypt, verify, unwrap. */
  readonly minDecryptVersion: number
  /** The lowest version that may protect when named. */
  readonly minEncryptVersion: number
  readonly rotation: Rotation
  readonly versions: readonly VersionView[]
  readonly generation: number
  readonly createdAt: string
  readonly createdBy: string
}

/** Rotation by age; by use it needs no setting. */
export interface Rotation {
  /** Days between rotations; `null` for none. */
  readonly everyDays: number | null
  readonly nextAt: string | null
}

export interface VersionView {
  readonly number: number
  readonly state: VersionState
  readonly createdAt: string
  /** When it stopped protecting; the retention clock starts here. */
  readonly deactivatedAt: string | null
  readonly revocation: { readonly reason: RevocationReason; readonly at: string } | null
  /** Of a resident key: the serial number of the token that it was made on. Absent where the HSM did not tell. */
  readonly token?: string
}

/** One version with what is public of its key material. */
export interface VersionDetail extends VersionView {
  readonly algorithm: KeyAlgorithm
  /** SubjectPublicKeyInfo, DER; of a key pair. */
  readonly spki?: Uint8Array
  /** Of a secret key. */
  readonly checkValue?: Uint8Array
}

export interface CreateKey {
  readonly name: string
  readonly algorithm: string
  readonly usage?: string | undefined
  readonly custody?: Custody | undefined
  readonly exportable?: boolean | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly description?: string | undefined
  readonly rotateEveryDays?: number | null | undefined
}

/** What may be changed of a key; what is absent stays. */
export interface EditKey {
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly description?: string | undefined
  readonly minDecryptVersion?: number | undefined
  readonly minEncryptVersion?: number | undefined
  readonly rotateEveryDays?: number | null | undefined
}

export interface KeyQuery {
  /** 1 to 1,000. */
  readonly limit: number
  readonly after?: string | undefined
  readonly prefix?: string | undefined
  readonly state?: KeyState | undefined
  readonly algorithm?: string | undefined
  readonly custody?: Custody | undefined
  /** `name=value`, or `name` for any value. */
  readonly tag?: string | undefined
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
  /** Of ES* signatures. */
  readonly format?: SignatureFormat
  readonly version: number
}

export interface VerifyInput extends SignInput {
  readonly signature: Uint8Array
}

/** `compromised` marks what was checked or opened with a revoked version. */
export interface Marked {
  readonly version: number
  readonly compromised?: true
}

export interface Verified extends Marked {
  /** An invalid signature is a result, not an error. */
  readonly valid: boolean
  readonly algorithm: SignatureAlgorithm
}

export interface EncryptInput {
  /** For RSA keys: the OAEP variant; absent: the first that the token offers. */
  readonly algorithm?: string | undefined
  readonly plaintext: Uint8Array
  /** Bound to the ciphertext, not in it; AES only. */
  readonly aad?: Uint8Array | undefined
  readonly version?: number | undefined
}

export interface Encrypted {
  /** AES: `01 | version u32be | iv (12) | ciphertext | tag (16)`. RSA: the OAEP ciphertext as it is. */
  readonly ciphertext: Uint8Array
  readonly algorithm: EncryptionAlgorithm
  readonly version: number
}

export interface DecryptInput {
  readonly algorithm?: string | undefined
  readonly ciphertext: Uint8Array
  readonly aad?: Uint8Array | undefined
  /** RSA only: an AES ciphertext names its version. */
  readonly version?: number | undefined
}

export interface Decrypted extends Marked {
  readonly plaintext: Uint8Array
}

export interface MacInput {
  readonly input: Uint8Array
  readonly version?: number | undefined
}

export interface Maced {
  readonly mac: Uint8Array
  readonly version: number
}

export interface VerifyMacInput extends MacInput {
  readonly mac: Uint8Array
}

export interface MacVerified extends Marked {
  readonly valid: boolean
}

/** `01 | version u32be | AES key wrap with padding of (length u32be | bytes | zeros to a multiple of 8)`. */
export interface Wrapped {
  readonly wrapped: Uint8Array
  readonly version: number
}

export interface Unwrapped extends Marked {
  readonly bytes: Uint8Array
}

export interface Derived {
  /** The x-coordinate of the shared point (NIST SP 800-56A section 5.7.1.2). Hash it before use as a key. */
  readonly sharedSecret: Uint8Array
  readonly version: number
}

export interface DataKey {
  readonly plaintext: Uint8Array
  /** As {@link Encrypted.ciphertext}. */
  readonly ciphertext: Uint8Array
  readonly version: number
}

export interface PublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  readonly algorithm: KeyAlgorithm
  readonly version: number
}

/** One item of a batch: its answer, or the code it alone was refused with. */
export type BatchItem<T> = { readonly ok: T } | { readonly error: unknown }

/** A one-time key to wrap an import under. */
export interface ImportKey {
  readonly id: string
  /** SubjectPublicKeyInfo of RSA-4096, DER. */
  readonly spki: Uint8Array
  readonly oaep: OaepAlgorithm
  readonly expiresAt: string
}

export interface ImportInput extends Omit<CreateKey, 'rotateEveryDays'> {
  readonly importKey: string
  /** RSAES-OAEP of a 32-byte AES key, followed by AES key wrap with padding (RFC 5649) of the key under it. */
  readonly wrapped: Uint8Array
  /** Of a key pair. */
  readonly spki?: Uint8Array | undefined
}

export interface Exported {
  readonly wrapped: Uint8Array
  readonly oaep: OaepAlgorithm
  readonly version: number
}

export interface RootRotation {
  /** The newest root key. */
  readonly rootKey: number
  readonly state: 'running' | 'done'
  /** Versions wrapped under the newest root key, and all there are. */
  readonly done: number
  readonly of: number
}
