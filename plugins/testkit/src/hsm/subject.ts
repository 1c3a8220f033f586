import type { HsmPlugin } from '@warder/contract'

/** The HSM plugin under test and what the suite needs to know about it that the contract does not say. */
export interface HsmSubject<Config> {
  readonly plugin: HsmPlugin<Config>

  /** A new token with its first root keys and nothing else on it. Each case uses tokens of its own, one after another. */
  readonly place: () => Promise<HsmPlace<Config>>
}

export interface HsmPlace<Config> {
  /** Opens this token, now and later. */
  readonly config: Config
  /** Called when every provider on the token is closed. */
  readonly remove: () => Promise<void>
}
