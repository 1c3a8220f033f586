import type { Health, Op } from '@warder/contract'
import type { Call, Principal } from './call.ts'
import type { ApiKeyView, CreateApiKey } from './identity/model.ts'
import type { CreateKey, KeyView, PublicKey, Signed, SignInput, Verified, VerifyInput } from './keys/model.ts'
import type { ListPage, ListQuery } from './list-page.ts'
import type { SpaceView } from './spaces/model.ts'

/** What listeners (REST, gRPC, the CLI's local commands) see of the engine. Every method authorises and journals. */
export interface Engine extends AsyncDisposable {
  readonly keys: Keys
  readonly spaces: Spaces
  readonly apiKeys: ApiKeys
  /** Health of each part, by name: `journal`, `storage`, `hsm`. Never throws. */
  health(op: Op): Promise<Readonly<Record<string, Health>>>
}

export interface Keys {
  create(call: Call, space: string, input: CreateKey): Promise<KeyView>
  get(call: Call, space: string, name: string): Promise<KeyView>
  list(call: Call, space: string, query: ListQuery): Promise<ListPage<KeyView>>
  publicKey(call: Call, space: string, name: string, version?: number): Promise<PublicKey>
  sign(call: Call, space: string, name: string, input: SignInput): Promise<Signed>
  verify(call: Call, space: string, name: string, input: VerifyInput): Promise<Verified>
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
