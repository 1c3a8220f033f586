import type { Filter, Store } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import { withScratch } from './scratch.ts'
import { op, record, withStore } from './store.ts'

/** All pages of a query, one after the other. */
async function idsOf(store: Store, where: Filter, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | undefined, page = 0; ; page++) {
    const query = { where, limit, ...(after !== undefined && { after }) }
    const { records, next } = await store.query('things', query, op)
    ids.push(...records.map(({ id }) => id))
    if (next === undefined) return ids
    after = next
    if (page > 10_000) throw new Error('the pages do not end')
  }
}

describe('a query of a SQLite store', () => {
  it('finds what all of its conditions agree on, once and in order, however they lie to each other', () =>
    withScratch(file =>
      withStore(file, async store => {
        const attributes = fc.record({ a: fc.nat(2), b: fc.nat(1), c: fc.boolean() })
        const things = fc.sample(attributes, { numRuns: 300, seed: 7 })
        const idOf = (index: number): string => `id-${String(index).padStart(4, '0')}`
        const records = things.map((each, index) => record(idOf(index), { attributes: each }))
        await Promise.all(records.map(each => store.put(each, 'absent', op)))
        const filters = fc.record(
          { a: fc.nat(3), b: fc.nat(1), c: fc.boolean() },
          { requiredKeys: [] },
        ) as fc.Arbitrary<Filter>
        await fc.assert(
          fc.asyncProperty(filters, fc.integer({ min: 1, max: 50 }), async (where, limit) => {
            const fits = ({ attributes: has }: (typeof records)[number]): boolean =>
              Object.entries(where).every(([name, value]) => has[name] === value)
            const wanted = records.filter(fits).map(({ id }) => id)
            expect(await idsOf(store, where, limit)).to.deep.equal(wanted)
          }),
          { numRuns: 40 },
        )
      }),
    ))

  it('passes over what one condition does not have, whichever of them is the rare one', () =>
    withScratch(file =>
      withStore(file, async store => {
        // beyond what one page looks at, so that walking the common entry would take several pages to come to the rare one
        const count = 4000
        const idOf = (index: number): string => `id-${String(index).padStart(4, '0')}`
        const put = (index: number): Promise<void> => {
          const rare = index === count - 1
          return store.put(record(idOf(index), { attributes: { common: true, ...(rare && { rare }) } }), 'absent', op)
        }
        await Promise.all(Array.from({ length: count }, (_, index) => put(index)))
        for (const where of [
          { common: true, rare: true },
          { rare: true, common: true },
        ]) {
          const { records } = await store.query('things', { where, limit: 10 }, op)
          expect(records.map(({ id }) => id)).to.deep.equal([idOf(count - 1)])
        }
      }),
    ))
})
