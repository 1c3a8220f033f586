import type { Op, Plugin, Service } from './plugin.ts'
import type { SelfTestFinding } from './self-test.ts'

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

/** `import` keys unwrap what others bring (see {@link KeyProvider.importKey}) and do nothing else. */
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

/** The most inputs of one {@link KeyProvider.signAll}: few enough that no other caller waits long behind them. */
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

/** What a provider has at the moment, and what it has counted since it was opened. */
export interface ProviderFigures {
  readonly sessions: {
    readonly open: number
    readonly inUse: number
    /** Calls that wait for one. */
    readonly waiting: number
  }
  /** Sealed keys kept unwrapped. */
  readonly cache: {
    readonly entries: number
    /** Unwraps under way. */
    readonly unwrapping: number
    readonly hits: number
    /** Each of them an unwrap. */
    readonly misses: number
    /** Put out to make room. */
    readonly evictions: number
  }
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
  readonly usages: readonly KeyUsage[]
  readonly sign: readonly SignatureAlgorithm[]
  readonly encrypt: readonly EncryptionAlgorithm[]
  /** CKM_ names, sorted; unnamed ones as hexadecimal. */
  readonly mechanisms: readonly string[]
}

/**
 * Each command refuses a key of another usage with `usage-not-allowed`, and one that the token lacks the mechanism for
 * with `unsupported-mechanism`, facts naming the `mechanism`.
 *
 * Commands that open what others made (`decrypt`, `unwrap`, `importKey`) have one answer for everything that may be wrong
 * with it, `decryption-failed`: not its reason, and not a different time as far as the token allows.
 *
 * A resident key that the token does not have, or another than the reference says, is `hsm-key-missing`, an id that is taken
 * `key-exists`, a blob that does not open, or that holds another key than the one on record, `hsm-failed`. A token that cannot
 * seal RSA-4096 or has no OAEP neither imports nor exports, and keys that it can
 * only hold resident cannot be imported: `unsupported-mechanism`. What a token cannot tell apart in a sealed key (AES from
 * HMAC, one usage from another under one root key) is believed of the reference.
 */
export interface KeyProvider extends Service {
  capabilities(op: Op): Promise<TokenCapabilities>

  /** Makes a key or key pair in the HSM. What it cannot make it refuses before anything is made. */
  generate(spec: KeySpec, op: Op): Promise<GeneratedKey>

  /** A resident key as the token has it, `undefined` when it has none. Failure throws, and so does another key of its id. */
  locate(ref: ResidentRef, op: Op): Promise<Omit<GeneratedKey, 'ref'> | undefined>

  /**
   * Signs. `input` is the digest for ES*, PS* and RS* (exactly the hash's length) and the message for EdDSA.
   * Answers r‖s (IEEE P1363) for ES*, the signature as defined for all others.
   * Never repeated inside: when the outcome is unknown the call rejects with `hsm-unavailable` or `hsm-timeout`.
   */
  sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array>

  /**
   * Signs 1 to {@link maxSignAll} inputs with one key, each as {@link sign} does, at the cost of little more than the
   * signatures. Answers them in the order of the inputs, or rejects with what went wrong with one, and gives none.
   * Absent where it would save nothing.
   */
  signAll?(
    ref: KeyRef,
    algorithm: SignatureAlgorithm,
    inputs: readonly Uint8Array[],
    op: Op,
  ): Promise<readonly Uint8Array[]>

  /** AES-256-GCM (NIST SP 800-38D) with a random IV and a 128-bit tag. At most 65,536 bytes of plaintext. */
  encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed>

  decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array>

  /** HMAC (FIPS 198-1) with the key's hash. At most 65,536 bytes. Whoever compares it does so in constant time. */
  mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array>

  /**
   * Wraps 1 to 4,096 bytes of the caller's with AES key wrap with padding (RFC 5649) over `length u32be | bytes | zeros to
   * a multiple of 8`: tokens differ in how they treat other lengths.
   */
  wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array>

  unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array>

  /** ECDH (NIST SP 800-56A section 5.7.1.2) with the peer's public key of the same curve, as SPKI: the x-coordinate. */
  derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array>

  /** 1 to 4096 bytes from the token's generator (C_GenerateRandom). */
  random(length: number, op: Op): Promise<Uint8Array>

  /**
   * Unwraps in two steps, both inside the HSM, and checks that a private key belongs to `spki` by a signature or a decryption.
   * A token that agrees on secrets and cannot make ECDSA signatures has only an agreement to check with, which cannot tell
   * a public point from its negative: there the half that is believed may be either. Both agree on the same secrets.
   */
  importKey(request: WrappedImport, op: Op): Promise<GeneratedKey>

  /**
   * Wraps an exportable sealed key to a recipient's RSA public key (SPKI, 2048 to 4096 bits), in the form that
   * {@link WrappedImport} describes, OAEP as named. Refuses any other with `usage-not-allowed`.
   */
  exportKey(ref: SealedRef, recipient: Uint8Array, oaep: OaepAlgorithm, op: Op): Promise<Uint8Array>

  /** The number of the newest root key, which wraps every new sealed key. */
  newestRootKey(op: Op): Promise<number>

  /** Makes the next root key and answers its number; one call at a time. The older ones stay and go on unwrapping. */
  createRootKey(op: Op): Promise<number>

  /** Unwraps a sealed key and wraps it under the newest root key; the same key in another blob. */
  rewrap(ref: SealedRef, op: Op): Promise<SealedRef>

  /**
   * Lets go of what is kept of a sealed key outside of its blob, such as an unwrapped copy for the next use: gone when this
   * resolves, or when the uses under way have ended. The key can still be used; of no effect for a blob that nothing is
   * kept of. Absent where nothing is ever kept.
   */
  forget?(ref: SealedRef, op: Op): Promise<void>

  /** Encrypts the appliance's 32-byte store secret under the token's store key (AES-256-GCM, its own key and no other). */
  sealStoreSecret(secret: Uint8Array, op: Op): Promise<Uint8Array>

  /** Opens what {@link sealStoreSecret} made. @throws WarderError `hsm-failed` when it was not made by this token. */
  openStoreSecret(sealed: Uint8Array, op: Op): Promise<Uint8Array>

  /**
   * The root keys as they are kept for a backup. The recipient is named on the HSM's side alone: no caller can choose it.
   * Absent where root keys cannot be backed up.
   */
  rootKeyBackup?(op: Op): Promise<RootKeyBackup>

  /** Answers at once, without asking the token. Absent where nothing is counted. */
  figures?(): ProviderFigures

  /** Removes a resident key and reads back that it is gone. Absent already is success: the call may be repeated. */
  destroy(ref: ResidentRef, op: Op): Promise<void>
}

/** - `resident`, `sealed`: the custodies a provider offers. */
export type HsmCapability = 'resident' | 'sealed'

/** What only provisioning has: the running service sees neither. */
export interface ProvisioningFiles {
  /** The files of credentials that the configuration names, by those names. */
  readonly credentialsDir: string
  /** The security officer's PIN. With it a token that is not initialised may be; without it none is. */
  readonly soPinFile?: string | undefined
}

/** A token and its root keys for the record of a key ceremony: plain data, and no value but check values. */
export interface TokenRecord {
  /** The code that the token is reached through. */
  readonly module: { readonly path: string; readonly sha256: string; readonly library: string }
  readonly token: TokenCapabilities['token']
  /** SHA-256 of the SPKI of the backup recipient that is configured, as hexadecimal. */
  readonly backupRecipient?: string | undefined
  readonly keys: readonly RootKeyRecord[]
}

export interface RootKeyRecord {
  readonly label: string
  /** CKA_ID as hexadecimal. */
  readonly id: string
  readonly algorithm: KeyAlgorithm
  /** What the token says of it, by the names of PKCS#11; `null` where it says nothing. */
  readonly attributes: Readonly<Record<string, boolean | null>>
  /** As hexadecimal; `null` where the token cannot make one. */
  readonly checkValue: string | null
  /** How the check value is made, in words. */
  readonly checkedBy: string
  /** Fingerprints of the recipients it has been wrapped to. */
  readonly wrappedTo: readonly string[]
}

export interface HsmPlugin<Config = unknown> extends Plugin<'hsm', HsmCapability, Config, KeyProvider> {
  /**
   * Makes a software token with root keys and a PIN file below `directory`, for development, and writes the configuration
   * for it to `hsm.json` there. Called again for the same directory it changes nothing. Absent where there is no such token.
   */
  createDevelopmentToken?(directory: string): Promise<unknown>

  /**
   * Prepares the token that the configuration names for its first use: initialises a free one under that name, when asked
   * to and when there is none yet, and makes the root keys. What is there is never overwritten; called again it changes
   * nothing. Answers what it did, a line each. Absent where tokens are prepared by other means.
   */
  provision?(config: Config, files: ProvisioningFiles, op: Op): Promise<readonly string[]>

  /**
   * What the token is and which root keys it has, as they are now. Logs in, and changes nothing. Absent where there is
   * nothing to put on record.
   * @throws WarderError `not-initialised` when a root key is not what it must be
   */
  ceremony?(config: Config, files: ProvisioningFiles, op: Op): Promise<TokenRecord>

  /**
   * Makes the root keys of a backup on a token that has none, each under its own number, then the store key; first
   * initialises a free token, when asked to, as {@link HsmPlugin.provision} does. The recipient's private key (PKCS#8, DER)
   * unwraps them inside the token, and is the caller's to zero. May be run again: keys that are there with the same check
   * value are kept. Answers what it did, a line each. Absent where root keys cannot be brought back.
   * @throws WarderError `already-initialised` when the token has another key of such a name, or root keys of which the backup
   *   knows nothing, `malformed-request` for what is no backup, and `decryption-failed` when a key cannot be opened: then no
   *   root key was made.
   */
  restore?(
    config: Config,
    files: ProvisioningFiles,
    backup: { readonly keys: readonly WrappedRootKey[]; readonly recipientKey: Uint8Array },
    op: Op,
  ): Promise<readonly string[]>

  /**
   * What an operator may see of the token, as plain JSON: its identity, limits, mechanisms, and the names and kinds of its
   * objects, never a value. Logs in, so it needs the PIN. Absent where there is nothing to tell.
   */
  inspect?(config: Config): Promise<unknown>

  /**
   * Looks for what is wrong with the token, or will be: that it can be reached and logged in to, that what Warder needs is
   * there and gives right answers. Never presents a PIN where the token says that a wrong one would be the last, leaves
   * nothing behind, and changes nothing that is there. What cannot be looked at is found `not-checked`: it never rejects for
   * that. Absent where there is nothing to look at.
   */
  selfTest?(config: Config, op: Op): Promise<readonly SelfTestFinding[]>
}
