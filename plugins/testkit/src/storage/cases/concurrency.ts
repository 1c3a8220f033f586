import assert from 'node:assert/strict'
import { WarderError, type Store, type StoredRecord } from '@warder/contract'
import { assertRefused, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

const writers = 64

/** Compare-and-swap under contention: one winner a round, and no lost update. */
export function concurrencyCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'of 64 writers that expect the same revision exactly one wins': () =>
      bench.withFreshStore(async store => {
        for (let round = 0; round < 10; round++) {
          const expect = round === 0 ? 'absent' : round
          const attempts = Array.from({ length: writers }, (_, writer) =>
            wins(store.put(record('a', { revision: round + 1, body: Uint8Array.of(round, writer) }), expect, op)),
          )
          const winners = (await Promise.all(attempts)).flatMap((won, writer) => (won ? [writer] : []))
          assert.equal(winners.length, 1, `round ${round} had ${winners.length} winners`)
          const found = await store.get('things', 'a', op)
          assert.equal(found?.revision, round + 1)
          assert.deepEqual([...(found?.body ?? [])], [round, winners[0]], 'the record is what the winner wrote')
        }
      }),

    'of 64 deletes of the same revision exactly one wins': () =>
      bench.withFreshStore(async store => {
        await store.put(record('a'), 'absent', op)
        const attempts = Array.from({ length: writers }, () => wins(store.delete('things', 'a', 1, op)))
        assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1)
        assert.equal(await store.get('things', 'a', op), undefined)
      }),

    '64 writers that retry lose no update': () =>
      bench.withFreshStore(async store => {
        await Promise.all(Array.from({ length: writers }, () => increment(store, 'sum')))
        assert.equal(countIn(await store.get('things', 'sum', op)), writers)
      }),

    'a refused write does not harm those made beside it': () =>
      bench.withFreshStore(async store => {
        await store.put(record('taken'), 'absent', op)
        const calls = Array.from({ length: writers }, (_, n) =>
          n % 2 === 0
            ? store.put(record(`new-${n}`), 'absent', op)
            : assertRefused(store.put(record('taken'), 'absent', op), 'stale-revision'),
        )
        await Promise.all(calls)
        for (let n = 0; n < writers; n += 2) assert.ok(await store.get('things', `new-${n}`, op))
      }),
  }
}

/** Adds one to a counter kept in a record, as often as it takes. */
export async function increment(store: Store, id: string): Promise<void> {
  for (;;) {
    const found = await store.get('things', id, op)
    const body = new TextEncoder().encode(String(countIn(found) + 1))
    const next = record(id, { revision: (found?.revision ?? 0) + 1, body })
    if (await wins(store.put(next, found?.revision ?? 'absent', op))) return
  }
}

export function countIn(found: StoredRecord | undefined): number {
  return found ? Number(new TextDecoder().decode(found.body)) : 0
}

async function wins(write: Promise<void>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (WarderError.is(error, 'stale-revision')) return false
    throw error
  }
}
