import assert from 'node:assert/strict'
import type { Store, Write } from '@warder/contract'
import { assertRefused, assertStored, assertTypeError, idsOf, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

/** The flag is checked for every store; the rest only where it is up, for there is nothing to run where it is down. */
export function batchCases<Config>(bench: Bench<Config>): CaseTable {
  const flag: CaseTable = {
    'batch is there if and only if supports.atomicBatch says so': () =>
      bench.withFreshStore(async store => {
        assert.equal(typeof store.batch === 'function', bench.subject.plugin.supports.atomicBatch)
      }),
  }
  if (!bench.subject.plugin.supports.atomicBatch) return flag
  return {
    ...flag,

    'a batch does all it holds': () =>
      bench.withPlace(async place => {
        const changed = record('changed', { revision: 2, attributes: { state: 'new' } })
        await bench.withStore(place, async store => {
          await store.put(record('changed'), 'absent', op)
          await store.put(record('removed'), 'absent', op)
          await run(store, [
            { put: record('made'), expect: 'absent' },
            { put: changed, expect: 1 },
            { delete: { collection: 'things', id: 'removed' }, expect: 1 },
            { put: record('elsewhere', { collection: 'others' }), expect: 'absent' },
          ])
          assertStored(await store.get('things', 'changed', op), changed)
        })
        await bench.withStore(place, async store => {
          assert.deepEqual(await idsOf(store, { limit: 10 }), ['changed', 'made'])
          assert.deepEqual(await idsOf(store, { limit: 10, where: { state: 'new' } }), ['changed'])
          assert.deepEqual(await idsOf(store, { limit: 10, collection: 'others' }), ['elsewhere'])
        })
      }),

    'a batch with one stale write does nothing, wherever that write stands': () =>
      bench.withFreshStore(async store => {
        await store.put(record('kept'), 'absent', op)
        const good: Write[] = [
          { put: record('made'), expect: 'absent' },
          { put: record('kept', { revision: 2, attributes: { changed: true } }), expect: 1 },
        ]
        const stale: Write[] = [
          { put: record('stale', { revision: 5 }), expect: 4 },
          { put: record('kept'), expect: 'absent' },
          { delete: { collection: 'things', id: 'nobody' }, expect: 1 },
        ]
        for (const bad of stale) {
          for (let at = 0; at <= good.length; at++) {
            await assertRefused(run(store, good.toSpliced(at, 0, bad)), 'stale-revision')
            assertStored(await store.get('things', 'kept', op), record('kept'))
            assert.deepEqual(await idsOf(store, { limit: 10 }), ['kept'])
            assert.deepEqual(await idsOf(store, { limit: 10, where: { changed: true } }), [])
          }
        }
      }),

    'a batch with one malformed write is a TypeError and does nothing': () =>
      bench.withFreshStore(async store => {
        const good: Write = { put: record('made'), expect: 'absent' }
        const bad: Write[] = [
          { put: record('revision', { revision: 2 }), expect: 'absent' },
          { put: record(''), expect: 'absent' },
          { put: record('large', { body: new Uint8Array(store.maxBodyBytes + 1) }), expect: 'absent' },
          { delete: { collection: 'things', id: 'made' }, expect: 0 },
        ]
        for (const [n, write] of bad.entries()) await assertTypeError(run(store, [good, write]), `write ${n}`)
        assert.deepEqual(await idsOf(store, { limit: 10 }), [])
      }),

    'a batch holds 256 writes and no more': () =>
      bench.withFreshStore(async store => {
        const writes = (count: number): Write[] =>
          Array.from({ length: count }, (_, n) => ({ put: record(`n-${n}`), expect: 'absent' }))
        await assertTypeError(run(store, writes(257)), '257 writes')
        assert.deepEqual(await idsOf(store, { limit: 1000 }), [])
        await run(store, [])
        await run(store, writes(256))
        assert.equal((await idsOf(store, { limit: 1000 })).length, 256)
      }),

    'of batches that contend for a record exactly one wins, whole': () =>
      bench.withFreshStore(async store => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 16 }, (_, n) =>
            run(store, [
              { put: record(`own-${n}`), expect: 'absent' },
              { put: record('common', { attributes: { winner: n } }), expect: 'absent' },
            ]),
          ),
        )
        const winners = outcomes.flatMap((outcome, n) => (outcome.status === 'fulfilled' ? [n] : []))
        assert.equal(winners.length, 1)
        assert.deepEqual(await idsOf(store, { limit: 100 }), ['common', `own-${winners[0]}`])
        assert.equal((await store.get('things', 'common', op))?.attributes['winner'], winners[0])
      }),
  }
}

async function run(store: Store, writes: readonly Write[]): Promise<void> {
  const batch = store.batch?.bind(store)
  assert.ok(batch, 'supports.atomicBatch is up and there is no batch')
  await batch(writes, op)
}
