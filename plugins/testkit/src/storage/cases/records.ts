import assert from 'node:assert/strict'
import { assertRefused, assertStored, assertTypeError, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

/** Create, read, update, delete, and who owns the bytes. */
export function recordCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'a record reads back as it was put': () =>
      bench.withFreshStore(async store => {
        const first = record('a', { attributes: { state: 'active' } })
        await store.put(first, 'absent', op)
        assertStored(await store.get('things', 'a', op), first)
        const second = record('a', { revision: 2, attributes: { state: 'gone' }, body: Uint8Array.of(1, 2, 3) })
        await store.put(second, 1, op)
        assertStored(await store.get('things', 'a', op), second)
      }),

    'a record that was never put is undefined': () =>
      bench.withFreshStore(async store => {
        assert.equal(await store.get('things', 'nobody', op), undefined)
        assert.deepEqual((await store.query('things', { limit: 10 }, op)).records, [])
      }),

    'a deleted record is gone and may be made again from revision 1': () =>
      bench.withFreshStore(async store => {
        const attributes = { state: 'active' }
        await store.put(record('a', { attributes }), 'absent', op)
        await store.delete('things', 'a', 1, op)
        assert.equal(await store.get('things', 'a', op), undefined)
        assert.deepEqual((await store.query('things', { where: attributes, limit: 10 }, op)).records, [])
        const again = record('a', { body: Uint8Array.of(7) })
        await store.put(again, 'absent', op)
        assertStored(await store.get('things', 'a', op), again)
      }),

    'the same id in two collections is two records': () =>
      bench.withFreshStore(async store => {
        const one = record('a')
        const other = record('a', { collection: 'other-things', body: Uint8Array.of(9) })
        await store.put(one, 'absent', op)
        await store.put(other, 'absent', op)
        assertStored(await store.get('things', 'a', op), one)
        assertStored(await store.get('other-things', 'a', op), other)
        await store.delete('things', 'a', 1, op)
        assertStored(await store.get('other-things', 'a', op), other)
      }),

    'what a store was given and what it gives are copies': () =>
      bench.withFreshStore(async store => {
        const labels = ['x']
        const body = Uint8Array.of(1, 2, 3)
        const pending = store.put(record('a', { attributes: { labels }, body }), 'absent', op)
        body.fill(0)
        labels.push('y')
        await pending
        const wanted = record('a', { attributes: { labels: ['x'] }, body: Uint8Array.of(1, 2, 3) })
        const found = await store.get('things', 'a', op)
        assertStored(found, wanted)
        found?.body.fill(0)
        assertStored(await store.get('things', 'a', op), wanted)
        const [listed] = (await store.query('things', { limit: 1 }, op)).records
        listed?.body.fill(0)
        assertStored(await store.get('things', 'a', op), wanted)
      }),

    'a stale revision is refused and changes nothing': () =>
      bench.withFreshStore(async store => {
        const kept = record('a', { revision: 2, attributes: { n: 2 } })
        await store.put(record('a', { attributes: { n: 1 } }), 'absent', op)
        await store.put(kept, 1, op)
        const late = { attributes: { n: 99 }, body: Uint8Array.of(9) }
        await assertRefused(store.put(record('a', late), 'absent', op), 'stale-revision')
        await assertRefused(store.put(record('a', { ...late, revision: 2 }), 1, op), 'stale-revision')
        await assertRefused(store.put(record('a', { ...late, revision: 4 }), 3, op), 'stale-revision')
        await assertRefused(store.delete('things', 'a', 1, op), 'stale-revision')
        await assertRefused(store.delete('things', 'a', 3, op), 'stale-revision')
        assertStored(await store.get('things', 'a', op), kept)
        assert.deepEqual((await store.query('things', { where: { n: 99 }, limit: 10 }, op)).records, [])
        assert.equal((await store.query('things', { where: { n: 2 }, limit: 10 }, op)).records.length, 1)
      }),

    'updating or deleting a record that is absent is a stale revision': () =>
      bench.withFreshStore(async store => {
        await assertRefused(store.put(record('a', { revision: 2 }), 1, op), 'stale-revision')
        await assertRefused(store.delete('things', 'a', 1, op), 'stale-revision')
        assert.equal(await store.get('things', 'a', op), undefined)
      }),

    'a revision that is not the expected one plus one is a TypeError': () =>
      bench.withFreshStore(async store => {
        await assertTypeError(store.put(record('a', { revision: 2 }), 'absent', op), 'revision 2 for absent')
        await assertTypeError(store.put(record('a', { revision: 0 }), 'absent', op), 'revision 0')
        await store.put(record('a'), 'absent', op)
        for (const revision of [1, 3, 1.5, Number.NaN]) {
          await assertTypeError(store.put(record('a', { revision }), 1, op), `revision ${revision} for 1`)
        }
        await assertTypeError(store.put(record('a', { revision: 1 }), 0, op), 'expecting revision 0')
        await assertTypeError(store.put(record('a', { revision: 2.5 }), 1.5, op), 'expecting revision 1.5')
        await assertTypeError(store.delete('things', 'a', 0, op), 'deleting revision 0')
        assertStored(await store.get('things', 'a', op), record('a'))
      }),

    'large revisions are kept exactly': () =>
      bench.withFreshStore(async store => {
        for (let revision = 1; revision <= 300; revision++) {
          await store.put(record('a', { revision }), revision === 1 ? 'absent' : revision - 1, op)
        }
        assertStored(await store.get('things', 'a', op), record('a', { revision: 300 }))
      }),
  }
}
