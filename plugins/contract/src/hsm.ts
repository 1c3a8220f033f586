import type {
  Ciphertext,
  Custody,
  EncryptionAlgorithm,
  GeneratedKey,
  KeyAlgorithm,
  KeyRef,
  KeySpec,
  KeyUsage,
  OaepAlgorithm,
  ResidentRef,
  RootKeyBackup,
  Sealed,
  SealedRef,
  SignatureAlgorithm,
  WrappedImport,
} from './hsm-keys.ts'
import type { Op, Service } from './plugin.ts'

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

/** One of several tokens that share root keys, or the only one. */
export interface TokenState {
  /** As in the capabilities and in `ResidentRef.token`. */
  readonly serial: string
  /**
   * The numbers of its root keys, ascending, the newest of `newestRootKey` last; one that is not known to be on all tokens is
   * left out. Empty: the token takes part from the next root key on.
   */
  readonly rootKeys: readonly number[]
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

  /** Which token this is and which root keys it has now, asked of the token. Absent where the provider has it to itself. */
  token?(op: Op): Promise<TokenState>

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

  /**
   * Makes the next root key and answers its number; one call at a time. The older ones stay and go on unwrapping.
   *
   * With peers (`HsmPlugin.open`): makes the same key on every token, or none. Its number is greater than that of any
   * root key of any of them. No token wraps under it before all of them have it, even when this is broken off; called again
   * it completes such a key where all have it, and else passes it over.
   * @throws WarderError `hsm-unavailable` or `pin-refused`, facts naming the token, when one of them cannot be used
   */
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
