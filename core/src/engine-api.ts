import type { Health, Op } from '@warder/contract'
import type { Call, Principal } from './call.ts'
import type { ApiKeyView, CreateApiKey } from './identity/model.ts'
import type {
  BatchItem,
  CreateKey,
  DataKey,
  Decrypted,
  DecryptInput,
  Derived,
  EditKey,
  Encrypted,
  EncryptInput,
  Exported,
  ImportInput,
  ImportKey,
  KeyQuery,
  KeyView,
  Maced,
  MacInput,
  MacVerified,
  PublicKey,
  RootRotation,
  Signed,
  SignInput,
  Unwrapped,
  Verified,
  VerifyInput,
  VerifyMacInput,
  VersionDetail,
  Wrapped,
} from './keys/model.ts'
import type { RevocationReason } from './keys/lifecycle.ts'
import type { ListPage, ListQuery } from './list-page.ts'
import type { Backup } from './recovery/model.ts'
import type { SpaceView } from './spaces/model.ts'

/** What listeners (REST, gRPC, the CLI's local commands) see of the engine. Every method authorises and journals. */
export interface Engine extends AsyncDisposable {
  readonly keys: Keys
  readonly crypto: Crypto
  readonly transfers: Transfers
  readonly rootKeys: RootKeys
  readonly spaces: Spaces
  readonly apiKeys: ApiKeys
  readonly idempotency: Idempotency
  readonly backups: Backups
  /** @throws WarderError `forbidden` unless the caller may introspect the root space. */
  authorizeIntrospection(call: Call): Promise<void>
  /** Health of each part, by name: `journal`, `storage`, `hsm`. Never throws. */
  health(op: Op): Promise<Readonly<Record<string, Health>>>
  /** Numbers for metrics and health. */
  figures(): Figures
  /** What is due: rotations by age, destructions whose window has passed, forgotten idempotency keys. Safe to repeat. */
  maintain(op: Op): Promise<void>
  /** Journals that the HSM side was sealed, before the engine is closed for it, or unsealed, after it was opened again. */
  recordHsm(what: 'seal' | 'unseal'): Promise<void>
  /**
   * Journals, as `hsm:ceremony`, that there is a transcript of a key ceremony with this SHA-256 (hex). Answers false, and
   * writes nothing, when the journal tells of it already.
   */
  recordCeremony(digest: string): Promise<boolean>
}

/** The state of a key that a change is meant for, as its ETag says; `any` for `If-Match: *`. Else `precondition-failed`. */
export type Expectation = { readonly id: string; readonly generation: number } | 'any'

export interface Figures {
  /** Records that wait for the journal's next sync. */
  readonly journalWaiting: number
  /** By name: `listings`, `api-keys`. */
  readonly caches: Readonly<Record<string, CacheFigures>>
}

export interface CacheFigures {
  readonly hits: number
  readonly misses: number
  readonly entries: number
}

/** Keys and their life. */
export interface Keys {
  create(call: Call, space: string, input: CreateKey): Promise<KeyView>
  get(call: Call, space: string, name: string): Promise<KeyView>
  list(call: Call, space: string, query: KeyQuery): Promise<ListPage<KeyView>>
  version(call: Call, space: string, name: string, version: number): Promise<VersionDetail>
  publicKey(call: Call, space: string, name: string, version?: number): Promise<PublicKey>
  edit(call: Call, space: string, name: string, expect: Expectation, changes: EditKey): Promise<KeyView>
  /** A new version becomes primary; the one before is deactivated. The schedule of rotation by age stays as it was. */
  rotate(call: Call, space: string, name: string, expect: Expectation): Promise<KeyView>
  /** A deactivated version becomes primary again. */
  rollback(call: Call, space: string, name: string, expect: Expectation, version: number): Promise<KeyView>
  enable(call: Call, space: string, name: string, expect: Expectation): Promise<KeyView>
  disable(call: Call, space: string, name: string, expect: Expectation): Promise<KeyView>
  /** Stops one version until it is resumed. */
  suspend(call: Call, space: string, name: string, expect: Expectation, version: number): Promise<KeyView>
  resume(call: Call, space: string, name: string, expect: Expectation, version: number): Promise<KeyView>
  revoke(
    call: Call,
    space: string,
    name: string,
    expect: Expectation,
    revocation: {
      readonly version?: number | undefined
      readonly reason: RevocationReason
      readonly date?: string | undefined
    },
  ): Promise<KeyView>
  /** Schedules destruction in `windowDays` (7 to 30, default 30). Until then it can be restored. */
  destroy(call: Call, space: string, name: string, expect: Expectation, windowDays?: number): Promise<KeyView>
  restore(call: Call, space: string, name: string, expect: Expectation): Promise<KeyView>
}

/**
 * What keys are for. Batch forms take items of one action on one key, at most 1,000; answers come in their order, and an
 * item that is refused leaves the others alone. A batch is one journal record. One without items uses nothing and is not
 * journaled, but is refused, and that journaled, like any other.
 */
export interface Crypto {
  sign(call: Call, space: string, name: string, input: SignInput): Promise<Signed>
  signBatch(call: Call, space: string, name: string, items: readonly SignInput[]): Promise<readonly BatchItem<Signed>[]>
  verify(call: Call, space: string, name: string, input: VerifyInput): Promise<Verified>
  verifyBatch(
    call: Call,
    space: string,
    name: string,
    items: readonly VerifyInput[],
  ): Promise<readonly BatchItem<Verified>[]>
  encrypt(call: Call, space: string, name: string, input: EncryptInput): Promise<Encrypted>
  encryptBatch(
    call: Call,
    space: string,
    name: string,
    items: readonly EncryptInput[],
  ): Promise<readonly BatchItem<Encrypted>[]>
  decrypt(call: Call, space: string, name: string, input: DecryptInput): Promise<Decrypted>
  decryptBatch(
    call: Call,
    space: string,
    name: string,
    items: readonly DecryptInput[],
  ): Promise<readonly BatchItem<Decrypted>[]>
  mac(call: Call, space: string, name: string, input: MacInput): Promise<Maced>
  macBatch(call: Call, space: string, name: string, items: readonly MacInput[]): Promise<readonly BatchItem<Maced>[]>
  verifyMac(call: Call, space: string, name: string, input: VerifyMacInput): Promise<MacVerified>
  wrap(
    call: Call,
    space: string,
    name: string,
    input: { readonly bytes: Uint8Array; readonly version?: number | undefined },
  ): Promise<Wrapped>
  unwrap(call: Call, space: string, name: string, input: { readonly wrapped: Uint8Array }): Promise<Unwrapped>
  derive(
    call: Call,
    space: string,
    name: string,
    input: { readonly peer: Uint8Array; readonly version?: number | undefined },
  ): Promise<Derived>
  /** A fresh key of 16, 24, 32, 48 or 64 bytes, plain and encrypted under an AES key. */
  generateDataKey(
    call: Call,
    space: string,
    name: string,
    input: { readonly length: number; readonly aad?: Uint8Array | undefined },
  ): Promise<DataKey>
  /** 1 to 4,096 bytes from the HSM's generator; needs `use` in any space. */
  random(call: Call, length: number): Promise<Uint8Array>
}

/** Bringing keys in and out, always wrapped. */
export interface Transfers {
  /** The space's import key: the same until it is used or has expired. */
  importKey(call: Call, space: string): Promise<ImportKey>
  importKeyMaterial(call: Call, space: string, input: ImportInput): Promise<KeyView>
  /** Only of keys made exportable. `recipient` is the SPKI of an RSA key. */
  exportKey(
    call: Call,
    space: string,
    name: string,
    input: {
      readonly recipient: Uint8Array
      readonly oaep?: string | undefined
      readonly version?: number | undefined
    },
  ): Promise<Exported>
}

/** The root key (KEK) that wraps sealed keys; acts of the `root` space under `consolidate`. */
export interface RootKeys {
  /** Makes the next root key and rewraps every sealed version under it in the background; an unfinished one is gone on with. */
  rotate(call: Call): Promise<RootRotation>
  status(call: Call): Promise<RootRotation>
}

export interface Backups {
  /**
   * Begins a backup of the appliance, while it serves: the state at one record of its journal, exactly. `software` names the
   * version that makes it.
   * @throws WarderError `forbidden`, or `backup-not-possible` when the HSM's side names no recipient or has no copy of a
   *   root key that is in use
   */
  create(call: Call, software: string): Promise<Backup>
}

export interface Spaces {
  create(call: Call, input: { readonly name: string; readonly description?: string | undefined }): Promise<SpaceView>
  get(call: Call, name: string): Promise<SpaceView>
  list(call: Call, query: ListQuery): Promise<ListPage<SpaceView>>
}

export interface ApiKeys {
  /** `secret` is the whole key, shown here and never again. */
  create(call: Call, input: CreateApiKey): Promise<{ readonly apiKey: ApiKeyView; readonly secret: string }>
  list(call: Call, query: ListQuery): Promise<ListPage<ApiKeyView>>
  revoke(call: Call, id: string): Promise<ApiKeyView>
  /**
   * Who presents this key. Counts and journals a failure before it throws.
   * @throws WarderError `invalid-credentials` for any key that is unknown, wrong, expired or revoked, alike.
   */
  authenticate(
    presented: string,
    from: { readonly sourceIp: string; readonly requestId: string; readonly signal: AbortSignal },
  ): Promise<Principal>
  /** Journals a request that brought no usable credentials. */
  recordMissing(from: {
    readonly sourceIp: string
    readonly requestId: string
    readonly signal: AbortSignal
  }): Promise<void>
}

/**
 * Remembers the answers to requests that carry an `Idempotency-Key`, for 24 hours, per principal and route, durably.
 * `request` is a digest of the whole request. Answers that hold a secret shown once are not kept: asked again, such a
 * request is refused with `idempotency-conflict`.
 */
export interface Idempotency {
  /**
   * Runs `act` unless this request was answered before; then its answer is given again.
   * @throws WarderError `idempotency-conflict` when the key was used for another request, `idempotency-in-flight` while
   *   the first is still running.
   */
  once(
    call: Call,
    request: {
      readonly route: string
      readonly key: string
      readonly digest: Uint8Array
      readonly keepAnswer: boolean
    },
    act: () => Promise<StoredAnswer>,
  ): Promise<StoredAnswer & { readonly replayed: boolean }>
}

export interface StoredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
