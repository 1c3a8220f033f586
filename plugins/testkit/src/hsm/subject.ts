import type { HsmPlugin, ProvisioningFiles } from '@warder/contract'

/** The HSM plugin under test and what the suite needs to know about it that the contract does not say. */
export interface HsmSubject<Config> {
  readonly plugin: HsmPlugin<Config>

  /**
   * A new token with its first root keys and nothing else on it. Each case uses tokens of its own, one after another, but
   * for those that bring keys in, which share one.
   */
  readonly place: () => Promise<HsmPlace<Config>>

  /** For a plugin that brings root keys back: with `restore`, and not without. */
  readonly backup?: HsmBackupPlaces<Config>
}

export interface HsmBackupPlaces<Config> {
  /** As `place`, the root keys wrapped to this RSA-3072 public key (SPKI, DER), and those of later rotations too. */
  readonly placeFor: (recipient: Uint8Array) => Promise<HsmPlace<Config>>

  /** A token that is initialised and has nothing on it; once it has root keys, new ones are wrapped to this recipient. */
  readonly emptyPlace: (recipient: Uint8Array) => Promise<EmptyHsmPlace<Config>>
}

export interface EmptyHsmPlace<Config> extends HsmPlace<Config> {
  /** What `restore` is given of credentials. */
  readonly files: ProvisioningFiles
}

export interface HsmPlace<Config> {
  /** Opens this token, now and later. */
  readonly config: Config
  /** Called when every provider on the token is closed. */
  readonly remove: () => Promise<void>
}
