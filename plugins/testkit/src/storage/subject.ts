import type { StoragePlugin } from '@warder/contract'
import type { FaultProxy } from '../faults/fault-proxy.ts'

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

  /**
   * For stores that reach their data over a network: a place as {@link place} makes, reached through a fault proxy. It may
   * be the same function. Leave it out, and the cases that break the network are left out too.
   */
  readonly networkPlace?: () => Promise<NetworkPlace<Config>>

  /**
   * How long a call may go on, in milliseconds, when its signal or the network has ended it; 8000 when not given. It tells
   * an end from none.
   */
  readonly patience?: number

  /** How many records the volume case stores; 10,000 when not given. */
  readonly volume?: number
}

export interface StoragePlace<Config> {
  /** Opens this place, now and later. Must survive JSON when `killableWriter` is given. */
  readonly config: Config
  /** Called when every store on the place is closed. */
  readonly remove: () => Promise<void>
}

export interface NetworkPlace<Config> extends StoragePlace<Config> {
  /** `config` leads through it, and nothing else does. The suite heals it; `remove` closes it. */
  readonly network: FaultProxy
}
