import assert from 'node:assert/strict'
import type { CaseTable } from '../../conformance-case.ts'
import { assertLength, assertTypeError } from '../assertions.ts'
import { op, type Bench } from '../bench.ts'

export function randomCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'random gives as many bytes as were asked for, of all values, and never the same': () =>
      bench.withFreshToken(async ({ provider }) => {
        for (const length of [1, 2, 31, 4096]) assertLength(await provider.random(length, op), length, 'random')
        const seen = new Set<string>()
        const values = new Set<number>()
        for (let round = 0; round < 200; round++) {
          const bytes = await provider.random(32, op)
          seen.add(Buffer.from(bytes).toString('hex'))
          for (const byte of bytes) values.add(byte)
        }
        assert.equal(seen.size, 200)
        assert.equal(values.size, 256)
      }),

    'other than 1 to 4096 random bytes are refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider }) => {
        for (const length of [0, -1, 4097, 1.5, Number.NaN, Infinity]) {
          await assertTypeError(provider.random(length, op), `${length} bytes`)
        }
      }),
  }
}
