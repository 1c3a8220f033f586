import type { TokenRecord } from '@warder/contract'
import type { ReadToken } from './read-transcript.ts'

/**
 * `same`: the token has the key, with that check value. `unproven`: it has one of that name, but no check value tells which.
 * `later`: the transcript does not know it; root keys are added when they are rotated.
 */
export type KeyVerdict = 'same' | 'other' | 'missing' | 'unproven' | 'later'

export interface ComparedKey {
  readonly key: string
  readonly verdict: KeyVerdict
}

/** Each key that the transcript tells of a token, then those that only the token has. */
export function compareKeys({ keys }: Pick<ReadToken, 'keys'>, record: Pick<TokenRecord, 'keys'>): ComparedKey[] {
  const present = new Map(record.keys.map(({ label, checkValue }) => [label, checkValue]))
  const known = new Set(keys.map(({ label }) => label))
  const stated = keys.map(({ label: key, checkValue }): ComparedKey => {
    const now = present.get(key)
    if (now === undefined) return { key, verdict: 'missing' }
    if (now === null || checkValue === null) return { key, verdict: 'unproven' }
    return { key, verdict: now === checkValue ? 'same' : 'other' }
  })
  const later = [...present.keys()].filter(key => !known.has(key))
  return [...stated, ...later.map((key): ComparedKey => ({ key, verdict: 'later' }))]
}
