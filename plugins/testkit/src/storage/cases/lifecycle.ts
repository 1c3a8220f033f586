import assert from 'node:assert/strict'
import { contractMajor, type Store, type StoredRecord } from '@warder/contract'
import { assertRefused, assertStored, idsOf, op, record, type Bench } from '../bench.ts'
import { increment, countIn } from './concurrency.ts'
import type { CaseTable } from '../../conformance-case.ts'

export function lifecycleCases<Config>(bench: Bench<Config>): CaseTable {
  const { plugin } = bench.subject
  return {
    'the plugin is labelled as the contract asks': async () => {
      assert.equal(plugin.kind, 'storage')
      assert.match(plugin.name, /^[a-z][a-z0-9-]*$/)
      assert.match(plugin.version, /^\d+\.\d+\.\d+/)
      assert.equal(plugin.contract, contractMajor)
      assert.equal(plugin.config['~standard'].version, 1)
      for (const flag of ['atomicBatch', 'shared'] as const) assert.equal(typeof plugin.supports[flag], 'boolean', flag)
    },

    'the configuration schema takes what opens and refuses unknown keys': () =>
      bench.withPlace(async place => {
        const { validate } = plugin.config['~standard']
        assert.equal((await validate(place.config)).issues, undefined)
        assert.ok((await validate({ ...place.config, 'no-such-key': 1 })).issues, 'an unknown key is refused')
        assert.ok((await validate(undefined)).issues, 'a missing configuration is refused')
      }),

    'a reopened store has everything': () =>
      bench.withPlace(async place => {
        const kept: StoredRecord[] = [
          record('a', { attributes: { tags: ['x'], n: 1.5 }, body: Uint8Array.of(0, 255) }),
          record('\u{1f511}', { revision: 2, attributes: { on: false } }),
        ]
        await bench.withStore(place, async store => {
          await store.put(record('a', kept[0]), 'absent', op)
          await store.put(record('\u{1f511}'), 'absent', op)
          await store.put(record('\u{1f511}', kept[1]), 1, op)
          await store.put(record('deleted'), 'absent', op)
          await store.delete('things', 'deleted', 1, op)
        })
        await bench.withStore(place, async store => {
          for (const wanted of kept) assertStored(await store.get('things', wanted.id, op), wanted)
          assert.deepEqual(await idsOf(store, { limit: 10 }), ['a', '\u{1f511}'])
          assert.deepEqual(await idsOf(store, { limit: 10, where: { tags: 'x' } }), ['a'])
          await assertRefused(store.put(record('a'), 'absent', op), 'stale-revision')
        })
      }),

    'two places share nothing': () =>
      bench.withFreshStore(one =>
        bench.withFreshStore(async other => {
          await one.put(record('a'), 'absent', op)
          assert.equal(await other.get('things', 'a', op), undefined)
        }),
      ),

    'a second opener is safe if the plugin claims so, and refused if not': () =>
      bench.withPlace(place =>
        bench.withStore(place, async first => {
          if (!plugin.supports.shared) {
            await assertRefused(bench.open(place), 'storage-unavailable')
            await first.put(record('a'), 'absent', op)
            assertStored(await first.get('things', 'a', op), record('a'))
            return
          }
          await bench.withStore(place, async second => {
            const writers = Array.from({ length: 64 }, (_, n) => increment(n % 2 === 0 ? first : second, 'sum'))
            await Promise.all(writers)
            assert.equal(countIn(await first.get('things', 'sum', op)), 64)
            assert.equal(countIn(await second.get('things', 'sum', op)), 64)
          })
        }),
      ),

    'health is ok while the store is open and never throws after': () =>
      bench.withPlace(async place => {
        const store = await bench.open(place)
        const open = await store.health(op)
        assert.equal(open.ok, true, open.detail)
        assert.equal(typeof open.detail, 'string')
        await store[Symbol.asyncDispose]()
        assert.equal((await store.health(op)).ok, false)
      }),

    'closing twice is closing once, and what was resolved or under way is not lost': () =>
      bench.withPlace(async place => {
        const store = await bench.open(place)
        await store.put(record('resolved'), 'absent', op)
        const underWay = Array.from({ length: 20 }, (_, n) => store.put(record(`way-${n}`), 'absent', op))
        const settled = Promise.allSettled(underWay)
        await Promise.all([store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()])
        await store[Symbol.asyncDispose]()
        const outcomes = await settled
        await bench.withStore(place, async again => {
          assert.ok(await again.get('things', 'resolved', op))
          for (const [n, outcome] of outcomes.entries()) {
            if (outcome.status === 'fulfilled') assert.ok(await again.get('things', `way-${n}`, op), `way-${n} is lost`)
          }
        })
      }),

    'a closed store refuses every call with storage-unavailable': () =>
      bench.withPlace(async place => {
        const store = await bench.open(place)
        await store.put(record('a'), 'absent', op)
        await store[Symbol.asyncDispose]()
        for (const call of everyCall(store)) await assertRefused(call(), 'storage-unavailable')
        await bench.withStore(place, async again => assert.deepEqual(await idsOf(again, { limit: 10 }), ['a']))
      }),
  }
}

function everyCall(store: Store): (() => Promise<unknown>)[] {
  const calls = [
    () => store.get('things', 'a', op),
    () => store.put(record('b'), 'absent', op),
    () => store.delete('things', 'a', 1, op),
    () => store.query('things', { limit: 1 }, op),
  ]
  const batch = store.batch?.bind(store)
  return batch ? [...calls, () => batch([{ put: record('b'), expect: 'absent' }], op)] : calls
}
