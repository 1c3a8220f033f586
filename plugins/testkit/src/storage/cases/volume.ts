import assert from 'node:assert/strict'
import { assertStored, idsOf, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

const lanes = 64

export function volumeCases<Config>(bench: Bench<Config>): CaseTable {
  const count = bench.subject.volume ?? 10_000
  const nth = (n: number) =>
    record(`record-${String(n).padStart(9, '0')}`, { attributes: { even: n % 2 === 0, hundredth: n % 100 === 0 } })

  return {
    [`${count.toLocaleString('en')} records are all there, in order and by attribute`]: () =>
      bench.withFreshStore(async store => {
        let next = 0
        const lane = async () => {
          while (next < count) await store.put(nth(next++), 'absent', op)
        }
        await Promise.all(Array.from({ length: lanes }, lane))
        const every = Array.from({ length: count }, (_, n) => nth(n).id)
        assert.deepEqual(await idsOf(store, { limit: 1000 }), every)
        const hundredths = every.filter((_, n) => n % 100 === 0)
        assert.deepEqual(await idsOf(store, { limit: 100, where: { hundredth: true } }), hundredths)
        assert.deepEqual(await idsOf(store, { limit: 100, where: { even: true, hundredth: true } }), hundredths)
        assert.deepEqual(await idsOf(store, { limit: 1000, where: { even: false, hundredth: true } }), [])
        for (const n of [0, 1, count >> 1, count - 1]) assertStored(await store.get('things', nth(n).id, op), nth(n))
      }),
  }
}
