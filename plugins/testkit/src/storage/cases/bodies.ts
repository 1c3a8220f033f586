import assert from 'node:assert/strict'
import { assertStored, assertTypeError, op, record, type Bench } from '../bench.ts'
import type { CaseTable } from '../../conformance-case.ts'

export function bodyCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'bodies of every size up to the largest come back whole': () =>
      bench.withFreshStore(async store => {
        assert.ok(store.maxBodyBytes >= 65_536, 'maxBodyBytes is at least 65,536')
        for (const size of new Set([0, 1, 4095, 4096, 65_536, store.maxBodyBytes])) {
          const wanted = record(`size-${size}`, { body: pattern(size) })
          await store.put(wanted, 'absent', op)
          assertStored(await store.get('things', wanted.id, op), wanted)
        }
      }),

    'a body larger than the largest is refused with a TypeError, never cut': () =>
      bench.withFreshStore(async store => {
        const body = pattern(store.maxBodyBytes + 1)
        await assertTypeError(store.put(record('a', { body }), 'absent', op), 'a body one byte too large')
        assert.equal(await store.get('things', 'a', op), undefined)
      }),

    'binary bodies are identical, also when they are views of a larger buffer': () =>
      bench.withFreshStore(async store => {
        const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
        const bodies = [
          all,
          all.subarray(10, 20),
          Buffer.from('a\0b\r\n\xff', 'latin1'),
          Uint8Array.of(0xef, 0xbb, 0xbf),
        ]
        for (const [n, body] of bodies.entries()) {
          await store.put(record(`body-${n}`, { body }), 'absent', op)
          assertStored(await store.get('things', `body-${n}`, op), record(`body-${n}`, { body }))
        }
      }),
  }
}

/** Bytes that differ from page to page, so that a lost or repeated piece shows. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 7) & 0xff
  return bytes
}
