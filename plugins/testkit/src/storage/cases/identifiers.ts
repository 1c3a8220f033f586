import assert from 'node:assert/strict'
import { assertStored, assertTypeError, idsOf, inUtf8Order, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

/** Ids that file systems, collations and query languages get wrong. All of them name different records. */
const hostileIds = [
  'plain',
  'Plain',
  'PLAIN',
  ' plain',
  'plain ',
  'plain  ',
  '\tplain\n',
  '\u00e9', // é, composed (NFC)
  'e\u0301', // é, decomposed (NFD)
  '\u212b', // the Ångström sign, which NFC folds into å with ring
  '\u00c5',
  'ß',
  'ss',
  'ı',
  'i',
  'ﬁ',
  'fi',
  '\u{1f511}',
  '\uffff',
  '\ue000',
  '\u200b',
  '\ufeffplain',
  '\u202eplain',
  '.',
  '..',
  '../../etc/passwd',
  '/absolute',
  'a/b',
  'a\\b',
  'a:b',
  'CON',
  'nul.txt',
  '%00',
  '%2e%2e%2f',
  'a%',
  'a_',
  '*',
  '?',
  "'; DROP TABLE record; --",
  '"quoted"',
  '`back`',
  '$where',
  '{"$ne":null}',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '0',
  '00',
  '1e3',
  '1000',
  'true',
  'null',
  'undefined',
  '\u0001',
  '\u007f',
  'x'.repeat(255),
  'é'.repeat(127),
  `${'\u{1f511}'.repeat(63)}abc`,
]

const badIds: readonly (readonly [what: string, id: string])[] = [
  ['an empty id', ''],
  ['an id of 256 bytes', 'x'.repeat(256)],
  ['an id of 128 characters and 256 bytes', 'é'.repeat(128)],
  ['an id with NUL', 'a\0b'],
  ['an id that ends in NUL', 'a\0'],
  ['an id with a lone high surrogate', 'a\ud83d'],
  ['an id with a lone low surrogate', '\udd11a'],
]

const badCollections = ['', 'Things', 'thing_s', '1things', 'thing s', '../things', 'things\n', 'x'.repeat(64)]

export function identifierCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'hostile ids are kept byte for byte and apart': () =>
      bench.withFreshStore(async store => {
        const attributes = { kind: 'hostile' }
        for (const id of hostileIds) {
          const put = store.put(record(id, { attributes }), 'absent', op)
          await put.catch((error: unknown) => assert.fail(`${JSON.stringify(id)} cannot be kept: ${String(error)}`))
        }
        for (const id of hostileIds) assertStored(await store.get('things', id, op), record(id, { attributes }))
        assert.deepEqual(await idsOf(store, { limit: 7 }), inUtf8Order(hostileIds))
        assert.deepEqual(await idsOf(store, { limit: 7, where: attributes }), inUtf8Order(hostileIds))
        for (const id of hostileIds) await store.delete('things', id, 1, op)
        assert.deepEqual(await idsOf(store, { limit: 7 }), [])
      }),

    'malformed ids are refused with a TypeError': () =>
      bench.withFreshStore(async store => {
        for (const [what, id] of badIds) {
          await assertTypeError(store.put(record(id), 'absent', op), `putting ${what}`)
          await assertTypeError(store.get('things', id, op), `getting ${what}`)
          await assertTypeError(store.delete('things', id, 1, op), `deleting ${what}`)
        }
        assert.deepEqual(await idsOf(store, { limit: 10 }), [])
      }),

    'malformed collections are refused with a TypeError': () =>
      bench.withFreshStore(async store => {
        for (const collection of badCollections) {
          const what = `collection ${JSON.stringify(collection)}`
          await assertTypeError(store.put(record('a', { collection }), 'absent', op), `putting into ${what}`)
          await assertTypeError(store.get(collection, 'a', op), `getting from ${what}`)
          await assertTypeError(store.delete(collection, 'a', 1, op), `deleting from ${what}`)
          await assertTypeError(store.query(collection, { limit: 1 }, op), `querying ${what}`)
        }
        const longest = `c${'-'.repeat(61)}9`
        await store.put(record('a', { collection: longest }), 'absent', op)
        assertStored(await store.get(longest, 'a', op), record('a', { collection: longest }))
      }),
  }
}
