import type { Act } from './acts.ts'

/** What the engine's process is told, once. */
export interface Order {
  /** `check`: looks at everything and ends. `load`: looks at these acts, then works until it is killed. */
  readonly task: 'check' | 'load'
  /** Names this round in the names it makes. */
  readonly round: string
  /** Makes the appliance first, or what an interrupted start left of it whole. */
  readonly initialise: boolean
  readonly acts: readonly Act[]
}

/** What it says. */
export type Word =
  | { readonly word: 'opening' | 'open' | 'loading' | 'end' }
  | { readonly word: 'checked'; readonly lost: readonly string[] }
  | { readonly word: 'told'; readonly act: Act }
