import assert from 'node:assert/strict'
import type { Attributes, Filter, Store } from '@warder/contract'
import { assertStored, idsOf, inUtf8Order, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

/** JSON makes `__proto__` an own member, as a hostile request would. */
const polluting = JSON.parse('{"__proto__":"polluted","constructor":"c"}') as Attributes

const everyType: Attributes = {
  text: 'plain',
  empty: '',
  unicode: 'e\u0301 \u{1f511} \u202e "quoted" \\ \u0000 end',
  yes: true,
  no: false,
  zero: 0,
  negative: -1,
  fraction: 0.1,
  tiny: Number.MIN_VALUE,
  huge: Number.MAX_VALUE,
  largest: Number.MAX_SAFE_INTEGER,
  smallest: Number.MIN_SAFE_INTEGER,
  list: ['a', 'b', 'a', '', 'ü'],
  none: [],
  "a name with 'quotes', dots . and $[0]": 'x',
  '': 'an empty name',
}

export function attributeCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'attributes of every type come back as they were': () =>
      bench.withFreshStore(async store => {
        for (const [n, attributes] of [everyType, polluting, {}].entries()) {
          await store.put(record(`a-${n}`, { attributes }), 'absent', op)
          const found = await store.get('things', `a-${n}`, op)
          assertStored(found, record(`a-${n}`, { attributes }))
          assert.deepEqual(Object.keys(found?.attributes ?? {}).sort(), Object.keys(attributes).sort())
        }
        assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
      }),

    'every scalar attribute is found by its value, and every array by each of its elements': () =>
      bench.withFreshStore(async store => {
        await store.put(record('all', { attributes: everyType }), 'absent', op)
        await store.put(record('polluting', { attributes: polluting }), 'absent', op)
        await store.put(record('bare'), 'absent', op)
        for (const [name, value] of Object.entries(everyType)) {
          for (const wanted of [value].flat()) assert.deepEqual(await find(store, only(name, wanted)), ['all'], name)
        }
        assert.deepEqual(await find(store, only('__proto__', 'polluted')), ['polluting'])
        assert.deepEqual(await find(store, {}), ['all', 'bare', 'polluting'])
      }),

    'values of different types never match each other': () =>
      bench.withFreshStore(async store => {
        const values: Record<string, string | number | boolean> = {
          number: 1,
          string: '1',
          boolean: true,
          word: 'true',
          float: 1.5,
          large: 9_007_199_254_740_991,
          near: 9_007_199_254_740_990,
        }
        for (const [id, v] of Object.entries(values)) await store.put(record(id, { attributes: { v } }), 'absent', op)
        for (const [id, v] of Object.entries(values)) assert.deepEqual(await find(store, { v }), [id], `v = ${v}`)
        assert.deepEqual(await find(store, { v: false }), [])
        assert.deepEqual(await find(store, { v: 0 }), [])
        assert.deepEqual(await find(store, { v: '' }), [])
      }),

    'values match exactly: case, form and spaces count': () =>
      bench.withFreshStore(async store => {
        const values = ['key', 'Key', 'key ', ' key', '\u00e9', 'e\u0301', 'k%', 'k_y', '*']
        await Promise.all(values.map((v, n) => store.put(record(`r${n}`, { attributes: { v } }), 'absent', op)))
        for (const [n, v] of values.entries()) assert.deepEqual(await find(store, { v }), [`r${n}`], v)
        assert.deepEqual(await find(store, { V: 'key' }), [], 'names match exactly too')
      }),

    'every entry of a filter must match': () =>
      bench.withFreshStore(async store => {
        const put = (id: string, attributes: Attributes) => store.put(record(id, { attributes }), 'absent', op)
        await put('a', { state: 'active', tags: ['x', 'y'], n: 1 })
        await put('b', { state: 'active', tags: ['y'], n: 2 })
        await put('c', { state: 'gone', tags: ['x', 'y'], n: 1 })
        await put('d', { state: 'active' })
        assert.deepEqual(await find(store, { state: 'active', tags: 'y' }), ['a', 'b'])
        assert.deepEqual(await find(store, { tags: 'x', n: 1 }), ['a', 'c'])
        assert.deepEqual(await find(store, { state: 'active', tags: 'x', n: 1 }), ['a'])
        assert.deepEqual(await find(store, { state: 'gone', n: 2 }), [])
        assert.deepEqual(await find(store, { state: 'active', missing: true }), [])
        assert.deepEqual(await idsOf(store, { limit: 1, where: { state: 'active' } }), ['a', 'b', 'd'])
      }),

    'a query sees attributes as last written, and no others': () =>
      bench.withFreshStore(async store => {
        await store.put(record('a', { attributes: { state: 'active', tags: ['x', 'y'] } }), 'absent', op)
        await store.put(record('a', { revision: 2, attributes: { state: 'gone', tags: ['y', 'z'] } }), 1, op)
        assert.deepEqual(await find(store, { state: 'active' }), [])
        assert.deepEqual(await find(store, { tags: 'x' }), [])
        assert.deepEqual(await find(store, { state: 'gone', tags: 'z' }), ['a'])
        await store.put(record('a', { revision: 3 }), 2, op)
        assert.deepEqual(await find(store, { state: 'gone' }), [])
        assert.deepEqual(await find(store, {}), ['a'])
      }),

    'a query stays in its collection': () =>
      bench.withFreshStore(async store => {
        const attributes = { state: 'active' }
        await store.put(record('a', { attributes }), 'absent', op)
        await store.put(record('b', { attributes, collection: 'others' }), 'absent', op)
        assert.deepEqual(await find(store, attributes), ['a'])
        assert.deepEqual(await idsOf(store, { limit: 5, where: attributes, collection: 'others' }), ['b'])
      }),
  }
}

async function find(store: Store, where: Filter): Promise<string[]> {
  const ids = await idsOf(store, { where, limit: 3 })
  assert.deepEqual(ids, inUtf8Order(ids), 'in order')
  return ids
}

/** A filter of one entry, also when its name is `__proto__`. */
function only(name: string, value: string | number | boolean): Filter {
  return Object.fromEntries([[name, value]])
}
