import type { KeyProvider, TokenCapabilities } from './hsm.ts'
import type { KeyAlgorithm, WrappedRootKey } from './hsm-keys.ts'
import type { Op, Plugin, PluginHost } from './plugin.ts'
import type { SelfTestFinding } from './self-test.ts'

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
  /**
   * The other tokens that share the root keys, in the order of the configuration. Where two have a key of one label, their
   * check values agree, but for the store keys, which each token has of its own. Absent where there are none.
   */
  readonly peers?: readonly TokenRecord[]
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

/**
 * *Peers*: the configurations of the other tokens of the appliance, each a token of its own, that share the root keys: a
 * sealed key made on one is used on any. Resident keys and the store key are each token's own. Whoever passes peers
 * to a plugin has seen `supports.shared`; a plugin without it never gets any.
 */
export interface HsmPlugin<Config = unknown> extends Plugin<'hsm', HsmCapability, Config, KeyProvider> {
  readonly supports: Readonly<Record<HsmCapability, boolean>> & {
    /** Several tokens share root keys; the provider has `token`, and answers resident keys with the token's serial. */
    readonly shared?: boolean
  }

  /**
   * Opens the token of `config`, and no other: peers are reached by `createRootKey` alone. With peers a token opens
   * that has a store key and no root key yet (`token` answers none); until it has one, what needs a root key is refused with
   * `not-initialised`. `host.secret` serves the peers too: an operator's secret is one for all tokens.
   */
  open(config: Config, host: PluginHost, op: Op, peers?: readonly Config[]): Promise<KeyProvider>

  /**
   * Makes a software token with root keys and a PIN file below `directory`, for development, and writes the configuration
   * for it to `hsm.json` there. Called again for the same directory it changes nothing. Absent where there is no such token.
   */
  createDevelopmentToken?(directory: string): Promise<unknown>

  /**
   * Prepares the token that the configuration names for its first use: initialises a free one under that name, when asked
   * to and when there is none yet, and makes the root keys. What is there is never overwritten; called again it changes
   * nothing. Answers what it did, a line each. Absent where tokens are prepared by other means.
   *
   * With peers all of them are prepared at once: the first root keys are made on this token and put on each of the others
   * inside this call, on all or on none. A token without root keys beside others that have some gets a store key only: the
   * next `createRootKey` brings it in. Called again it goes on where it was broken off.
   * @throws WarderError `already-initialised`, facts naming the token, when two have root keys that are not the same
   */
  provision?(config: Config, files: ProvisioningFiles, op: Op, peers?: readonly Config[]): Promise<readonly string[]>

  /**
   * What the token is and which root keys it has, as they are now, and so of each peer. Logs in, and changes nothing. Absent
   * where there is nothing to put on record.
   * @throws WarderError `not-initialised` when a root key is not what it must be, `already-initialised` as `provision` does
   */
  ceremony?(config: Config, files: ProvisioningFiles, op: Op, peers?: readonly Config[]): Promise<TokenRecord>

  /**
   * Makes the root keys of a backup on a token that has none, each under its own number, then the store key; first
   * initialises a free token, when asked to, as {@link HsmPlugin.provision} does. The recipient's private key (PKCS#8, DER)
   * unwraps them inside the token, and is the caller's to zero. May be run again: keys that are there with the same check
   * value are kept. Answers what it did, a line each. Absent where root keys cannot be brought back. With peers: so on each
   * token, one after another.
   * @throws WarderError `already-initialised` when the token has another key of such a name, or root keys of which the backup
   *   knows nothing, `malformed-request` for what is no backup, and `decryption-failed` when a key cannot be opened: then no
   *   root key was made.
   */
  restore?(
    config: Config,
    files: ProvisioningFiles,
    backup: { readonly keys: readonly WrappedRootKey[]; readonly recipientKey: Uint8Array },
    op: Op,
    peers?: readonly Config[],
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
   * that. Absent where there is nothing to look at. With peers a token may wait for its first root key.
   */
  selfTest?(config: Config, op: Op, peers?: readonly Config[]): Promise<readonly SelfTestFinding[]>
}
