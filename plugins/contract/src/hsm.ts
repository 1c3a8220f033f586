import type { Op, Plugin, Service } from './plugin.ts'

/**
 * The HSM, as the engine sees it: **private bytes never cross**. A provider owns every PKCS#11 template and offers typed
 * commands only; the caller never passes attributes, and a key made for one purpose cannot be used for another.
 *
 * Glossary
 * - *custody*: `resident` keys are token objects that never leave the HSM. `sealed` keys are made in the HSM, wrapped out
 *   under the root key, kept in storage, and unwrapped back as session objects to be used.
 * - *root key* (KEK): AES-256 token object, not extractable, wraps and unwraps sealed keys; numbered from 1.
 * - *blob*: a sealed key as AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP) over its PKCS#8 or raw form.
 * - *SPKI*: SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7).
 */
export const keyAlgorithms = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096', 'Ed25519'] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

/** JOSE names (RFC 7518 section 3.1, RFC 8037), which fix scheme, hash and, for PSS, MGF1 hash and salt length (= the hash's). */
export const signatureAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

export type Custody = 'resident' | 'sealed'

export type KeyRef =
  /** `id` is the CKA_ID of the token object: 32 lower-case hex digits. */
  | { readonly custody: 'resident'; readonly algorithm: KeyAlgorithm; readonly id: string }
  | {
      readonly custody: 'sealed'
      readonly algorithm: KeyAlgorithm
      readonly rootKey: number
      readonly blob: Uint8Array
    }

export interface KeySpec {
  readonly algorithm: KeyAlgorithm
  readonly custody: Custody
  /** Becomes the CKA_ID of a resident key: 32 lower-case hex digits, chosen by the caller and never used before. */
  readonly id: string
}

export interface GeneratedKey {
  readonly ref: KeyRef
  readonly spki: Uint8Array
}

export interface TokenCapabilities {
  readonly token: {
    readonly label: string
    readonly serial: string
    readonly manufacturer: string
    readonly model: string
    readonly firmware: string
  }
  /** What can be made here, by custody. Probed from this token, not assumed from its maker. */
  readonly generate: Readonly<Record<Custody, readonly KeyAlgorithm[]>>
  readonly sign: readonly SignatureAlgorithm[]
  /** CKM_ names, sorted; unnamed ones as hexadecimal. */
  readonly mechanisms: readonly string[]
}

export interface KeyProvider extends Service {
  capabilities(op: Op): Promise<TokenCapabilities>

  /**
   * Makes a signing key pair in the HSM.
   * @throws WarderError `unsupported-mechanism`, facts naming the `mechanism` and `algorithm`, before anything is made.
   */
  generate(spec: KeySpec, op: Op): Promise<GeneratedKey>

  /** The public half of a resident key, `undefined` when the token has no such key. Failure throws. */
  locate(ref: KeyRef & { custody: 'resident' }, op: Op): Promise<{ readonly spki: Uint8Array } | undefined>

  /**
   * Signs. `input` is the digest for ES*, PS* and RS* (exactly the hash's length) and the message for EdDSA.
   * Answers r‖s (IEEE P1363) for ES*, the signature as defined for all others.
   * Never repeated inside: when the outcome is unknown the call rejects with `hsm-unavailable` or `hsm-timeout`.
   */
  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array>

  /** 1 to 4096 bytes from the token's generator (C_GenerateRandom). */
  random(length: number, op: Op): Promise<Uint8Array>

  /** Encrypts the appliance's 32-byte store secret under the token's store key (AES-256-GCM, its own key and no other). */
  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array>

  /** Opens what {@link sealStoreSecret} made. @throws WarderError `hsm-failed` when it was not made by this token. */
  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array>

  /** Removes a resident key and reads back that it is gone. Absent already is success: the call may be repeated. */
  destroy(ref: KeyRef & { custody: 'resident' }, op: Op): Promise<void>
}

/** - `resident`, `sealed`: the custodies a provider offers. */
export type HsmCapability = 'resident' | 'sealed'

export interface HsmPlugin<Config = unknown> extends Plugin<'hsm', HsmCapability, Config, KeyProvider> {
  /**
   * Makes a software token with root keys and a PIN file below `directory`, for development, and writes the configuration
   * for it to `hsm.json` there. Called again for the same directory it changes nothing. Absent where there is no such token.
   */
  createDevelopmentToken?(directory: string): Promise<unknown>
}
