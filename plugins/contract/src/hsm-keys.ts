/**
 * The HSM, as the engine sees it: **private and secret bytes never cross**. A provider owns every PKCS#11 template and
 * offers typed commands only; the caller never passes attributes, and a key made for one purpose cannot be used for another.
 *
 * Glossary
 * - *custody*: `resident` keys are token objects that never leave the HSM. `sealed` keys are made in the HSM, wrapped out
 *   under the root key, kept in storage, and unwrapped back as session objects to be used.
 * - *root key* (KEK): AES-256 token object, not extractable, wraps and unwraps sealed keys; numbered from 1. Keys that may
 *   be exported, and keys that unwrap imports, are each wrapped under root keys of their own: no caller can export a key
 *   that was not made for it, or put an import key to another use.
 * - *blob*: a sealed key as AES key wrap with padding (RFC 5649, NIST SP 800-38F KWP) over its PKCS#8 or raw form.
 * - *SPKI*: SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7).
 * - *check value*: 8 bytes that name a secret key without telling anything of it: the start of AES-256-ECB of the text
 *   `warder/check-val`, and not of zeros, which is the secret of GCM's authentication; for AES keys of usage `wrap`, which
 *   cannot encrypt, the start of AES key wrap with padding of 8 zero bytes; for HMAC keys the start of the MAC of the text
 *   `warder/check-value`.
 */
export const keyAlgorithms = [
  'P-256',
  'P-384',
  'P-521',
  'RSA-2048',
  'RSA-3072',
  'RSA-4096',
  'Ed25519',
  'AES-256',
  'HMAC-SHA-256',
  'HMAC-SHA-384',
  'HMAC-SHA-512',
] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

/** A key serves one family of operations, for its whole life. */
export const keyUsages = ['sign', 'encrypt', 'wrap', 'mac', 'derive'] as const
export type KeyUsage = (typeof keyUsages)[number]

/** What each algorithm can be made for; the first is meant when none is named. */
export const usagesOf: Readonly<Record<KeyAlgorithm, readonly [KeyUsage, ...KeyUsage[]]>> = {
  'P-256': ['sign', 'derive'],
  'P-384': ['sign', 'derive'],
  'P-521': ['sign', 'derive'],
  'RSA-2048': ['sign', 'encrypt'],
  'RSA-3072': ['sign', 'encrypt'],
  'RSA-4096': ['sign', 'encrypt'],
  Ed25519: ['sign'],
  'AES-256': ['encrypt', 'wrap'],
  'HMAC-SHA-256': ['mac'],
  'HMAC-SHA-384': ['mac'],
  'HMAC-SHA-512': ['mac'],
}

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

/** JOSE names (RFC 7518 section 4.3): RSAES-OAEP with SHA-1, SHA-256, SHA-384 and SHA-512, MGF1 of the same hash, no label. */
export const oaepAlgorithms = ['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'] as const
export type OaepAlgorithm = (typeof oaepAlgorithms)[number]

export type EncryptionAlgorithm = 'A256GCM' | OaepAlgorithm

export type Custody = 'resident' | 'sealed'

/** `import` keys unwrap what others bring (see `KeyProvider.importKey`) and do nothing else. */
export type KeyPurpose = KeyUsage | 'import'

export interface ResidentRef {
  readonly custody: 'resident'
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyPurpose
  /** The CKA_ID of the token object: 32 lower-case hex digits. */
  readonly id: string
  /**
   * Which key it was when it was made: its SPKI, or its check value. A provider that is opened anew knows a key by its id
   * alone, and whoever can write to the token can put another key there: such a one is not used. Absent: any key of this id.
   */
  readonly identity?: Uint8Array
  /**
   * The serial number of the token that has it, as `generate` answers it. A provider of another token refuses the reference
   * with `hsm-key-missing`. Absent: whichever token the provider has.
   */
  readonly token?: string
}

export interface SealedRef {
  readonly custody: 'sealed'
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyPurpose
  readonly exportable: boolean
  /** The number of the root key that wraps it. */
  readonly rootKey: number
  readonly blob: Uint8Array
  /**
   * The key on record, by whichever of these its kind has ({@link GeneratedKey}); absent where it is not known. The key in
   * the blob is used, and exported, only when it is that one.
   */
  readonly spki?: Uint8Array
  readonly checkValue?: Uint8Array
}

export type KeyRef = ResidentRef | SealedRef

/** The most inputs of one `KeyProvider.signAll`: few enough that no other caller waits long behind them. */
export const maxSignAll = 16

export interface KeySpec {
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyPurpose
  readonly custody: Custody
  /** Only sealed keys can be exportable. */
  readonly exportable: boolean
  /** Becomes the CKA_ID of a resident key: 32 lower-case hex digits, chosen by the caller and never used before. */
  readonly id: string
}

export interface GeneratedKey {
  readonly ref: KeyRef
  /** Of a key pair. */
  readonly spki?: Uint8Array
  /** Of a secret key. */
  readonly checkValue?: Uint8Array
}

export interface Sealed {
  /** 12 bytes from the token's generator. */
  readonly iv: Uint8Array
  /** The ciphertext followed by the 16-byte tag. */
  readonly ciphertext: Uint8Array
}

export type Ciphertext =
  | ({ readonly algorithm: 'A256GCM'; readonly aad: Uint8Array } & Sealed)
  | { readonly algorithm: OaepAlgorithm; readonly ciphertext: Uint8Array }

export interface WrappedImport {
  /** A sealed RSA-4096 key of purpose `import`. */
  readonly under: SealedRef
  /** How the AES key below was encrypted. */
  readonly oaep: OaepAlgorithm
  /**
   * RSAES-OAEP of a 32-byte AES key (512 bytes), followed by AES key wrap with padding (RFC 5649) under it of the key:
   * PKCS#8 of a private key, the bytes of a secret one. This is CKM_RSA_AES_KEY_WRAP of PKCS#11.
   */
  readonly wrapped: Uint8Array
  readonly spec: KeySpec
  /** The public half that the private key must match; required for key pairs. */
  readonly spki?: Uint8Array
}

/** What a backup takes along of the HSM: root keys that only the holder of the recipient's private key can open. */
export interface RootKeyBackup {
  /** The recipient's public key as SPKI, DER; `undefined` when none is configured. */
  readonly recipient: Uint8Array | undefined
  /** Those wrapped to this recipient. */
  readonly keys: readonly WrappedRootKey[]
  /** Names of root keys that wrap and have no copy for this recipient, such as `kek/1`. */
  readonly missing: readonly string[]
}

export interface WrappedRootKey {
  readonly purpose: string
  readonly number: number
  readonly oaep: OaepAlgorithm
  /** In the form that {@link WrappedImport} describes. */
  readonly wrapped: Uint8Array
}
