import type { StoragePlugin } from '@warder/contract'

/** The storage plugin under test and what the suite needs to know about it that the contract does not say. */
export interface StorageSubject<Config> {
  readonly plugin: StoragePlugin<Config>

  /** A new, empty place to store in. Each case uses places of its own. */
  readonly place: () => Promise<StoragePlace<Config>>

  /**
   * For stores that outlive their process: a script that ends in `await writeUntilKilled(plugin)`. It is run by this
   * Node with this process's own options. Leave it out, and the cases that kill a writer are left out too.
   */
  readonly killableWriter?: URL

  /** How many records the volume case stores; 10,000 when not given. */
  readonly volume?: number
}

export interface StoragePlace<Config> {
  /** Opens this place, now and later. Must survive JSON when `killableWriter` is given. */
  readonly config: Config
  /** Called when every store on the place is closed. */
  readonly remove: () => Promise<void>
}
