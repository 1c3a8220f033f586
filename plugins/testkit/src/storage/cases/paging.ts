import assert from 'node:assert/strict'
import type { Store } from '@warder/contract'
import { assertTypeError, idsOf, inUtf8Order, op, pages, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

export function pagingCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'records come in the order of the UTF-8 bytes of their ids': () =>
      bench.withFreshStore(async store => {
        // UTF-16 order would put the key (U+1F511) before U+E000; a dictionary would put b after a and before C
        const ids = ['b', 'C', 'a', 'ä', 'z', '\u{1f511}', '\ue000', '\uffff', 'a ', 'aa', 'a-', 'Z', '~', '10', '9']
        for (const id of ids) await store.put(record(id, { attributes: { all: true } }), 'absent', op)
        for (const limit of [1, 2, 4, ids.length, 1000]) {
          assert.deepEqual(await idsOf(store, { limit }), inUtf8Order(ids), `pages of ${limit}`)
          assert.deepEqual(await idsOf(store, { limit, where: { all: true } }), inUtf8Order(ids), `pages of ${limit}`)
        }
      }),

    'a limit is a whole number from 1 to 1000': () =>
      bench.withFreshStore(async store => {
        await fill(store, ['a', 'b', 'c'])
        for (const limit of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
          await assertTypeError(store.query('things', { limit }, op), `limit ${limit}`)
        }
        assert.deepEqual(await idsOf(store, { limit: 1000 }), ['a', 'b', 'c'])
        assert.deepEqual(await idsOf(store, { limit: 1 }), ['a', 'b', 'c'])
      }),

    'the last page names no next one for long': () =>
      bench.withFreshStore(async store => {
        await fill(store, ['a', 'b', 'c', 'd'])
        for (const limit of [1, 2, 4, 5]) {
          let count = 0
          for await (const page of pages(store, { limit })) count += page.records.length === 0 ? 1 : 0
          assert.ok(count <= 1, `pages of ${limit} end with ${count} empty ones`)
        }
        assert.equal((await store.query('things', { limit: 5 }, op)).next, undefined)
      }),

    'a record present throughout appears exactly once while others come and go': () =>
      bench.withFreshStore(async store => {
        const lasting = Array.from({ length: 40 }, (_, n) => `m-${String(n).padStart(2, '0')}`)
        for (const where of [undefined, { state: 'active' }]) {
          await fill(store, lasting)
          await fill(store, ['m-00-doomed', 'm-20-doomed', 'm-39-doomed'])
          const seen: string[] = []
          let n = 0
          for await (const page of pages(store, { limit: 5, ...(where && { where }) })) {
            seen.push(...page.records.map(found => found.id))
            const at = seen.at(-1) ?? ''
            if (n < 15) await fill(store, [`a-${n}`, `${at}-${n}`, `z-${n}`])
            if (n === 1) await store.delete('things', 'm-00-doomed', 1, op)
            if (n === 2) await store.delete('things', 'm-20-doomed', 1, op)
            const changed = await store.get('things', 'm-10', op)
            if (changed) await store.put({ ...changed, revision: changed.revision + 1 }, changed.revision, op)
            n += 1
            assert.ok(n < 200, 'paging ends')
          }
          assert.deepEqual(
            seen.filter(id => lasting.includes(id)),
            lasting,
          )
          assert.equal(new Set(seen).size, seen.length, 'nothing appears twice')
          assert.deepEqual(seen, inUtf8Order(seen))
          assert.ok(!seen.includes('m-20-doomed'), 'a record deleted before its page is not on it')
          await clear(store)
        }
      }),

    'a cursor holds when the record it was made at is deleted': () =>
      bench.withFreshStore(async store => {
        await fill(store, ['a', 'b', 'c', 'd'])
        const first = await store.query('things', { limit: 2 }, op)
        for (const found of first.records) await store.delete('things', found.id, 1, op)
        const after = first.next
        assert.ok(after !== undefined)
        const rest = await store.query('things', { limit: 1000, after }, op)
        assert.deepEqual(
          rest.records.map(found => found.id),
          ['a', 'b', 'c', 'd'].slice(first.records.length),
        )
      }),

    'a cursor survives a reopen': () =>
      bench.withPlace(async place => {
        const where = { state: 'active' }
        let next: string | undefined
        const seen: string[] = []
        await bench.withStore(place, async store => {
          await fill(store, ['a', 'b', 'c', 'ü', '\u{1f511}'])
          const page = await store.query('things', { limit: 2, where }, op)
          seen.push(...page.records.map(found => found.id))
          next = page.next
        })
        await bench.withStore(place, async store => {
          assert.ok(next !== undefined)
          const page = await store.query('things', { limit: 1000, where, after: next }, op)
          seen.push(...page.records.map(found => found.id))
        })
        assert.deepEqual(seen, ['a', 'b', 'c', 'ü', '\u{1f511}'])
      }),

    'a cursor that no store made is refused': () =>
      bench.withFreshStore(async store => {
        await fill(store, ['a', 'b'])
        for (const after of ['', '\0', "' OR 1=1 --", 'a\ud83d']) {
          await assert.rejects(store.query('things', { limit: 1, after }, op), `cursor ${JSON.stringify(after)}`)
        }
      }),
  }
}

async function fill(store: Store, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map(id => store.put(record(id, { attributes: { state: 'active' } }), 'absent', op)))
}

async function clear(store: Store): Promise<void> {
  for await (const page of pages(store, { limit: 100 })) {
    await Promise.all(page.records.map(found => store.delete('things', found.id, found.revision, op)))
  }
}
