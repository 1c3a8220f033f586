import type { KeyView } from '@warder/core'

/**
 * Glossary
 * - *lane*: one caller with keys of its own, who does its kind of act again and again. All lanes of a round run at once.
 * - *trace*: what a lane was told about a key, and what it had begun with it when the kill came.
 */
export type LaneName = 'rotate' | 'rotateResident' | 'rollback' | 'destroy' | 'purge' | 'rootKey'

export type Act =
  | { readonly act: 'rotate' | 'destroy' | 'restore' | 'enable' | 'purge' | 'rootKey' }
  | { readonly act: 'rollback'; readonly version: number }

/** A ciphertext that a version of the key made, of the key's name. */
export interface Kept {
  readonly version: number
  readonly ciphertext: string
}

export interface Trace {
  readonly lane: LaneName
  /** The key as last acknowledged. */
  readonly key: KeyView
  /** What was begun, and not acknowledged. */
  readonly begun?: Act
  readonly kept: readonly Kept[]
}

export interface Order {
  /** `check`: looks, waits until the root key is rotated, and ends. `load`: looks, then works until it is killed. */
  readonly task: 'check' | 'load'
  /** Names this round's keys. */
  readonly round: string
  readonly initialise: boolean
  /** Of the round before; of all rounds for `check`. */
  readonly traces: readonly Trace[]
}

export type Word =
  | { readonly word: 'opening' | 'open' | 'loading' | 'end' }
  | { readonly word: 'checked'; readonly wrong: readonly string[] }
  | { readonly word: 'begun'; readonly name: string; readonly act: Act }
  | { readonly word: 'done'; readonly lane: LaneName; readonly key: KeyView }
  | { readonly word: 'kept'; readonly name: string; readonly kept: Kept }

/** What a round's words come to, by key. One that was not acknowledged yet left nothing to look for. */
export function tracesOf(words: readonly Word[]): Trace[] {
  const traces = new Map<string, Trace>()
  for (const word of words) {
    if (word.word === 'done') {
      const { lane, key } = word
      traces.set(key.name, { lane, key, kept: traces.get(key.name)?.kept ?? [] })
    } else if (word.word === 'begun' || word.word === 'kept') {
      const trace = traces.get(word.name)
      if (trace === undefined) throw new Error(`nothing was heard of ${word.name} before`)
      traces.set(
        word.name,
        word.word === 'begun' ? { ...trace, begun: word.act } : { ...trace, kept: [...trace.kept, word.kept] },
      )
    }
  }
  return [...traces.values()]
}
