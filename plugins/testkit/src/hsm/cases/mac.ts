import { randomBytes } from 'node:crypto'
import assert from 'node:assert/strict'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertTypeError, assertUnsupported } from '../assertions.ts'
import { nobody, op, spec, type Bench } from '../bench.ts'
import type { Entrances } from '../importing.ts'
import { hmac, knownKey, type MacAlgorithm } from '../independent.ts'

const algorithms: readonly MacAlgorithm[] = ['HMAC-SHA-256', 'HMAC-SHA-384', 'HMAC-SHA-512']
const sizes = [0, 1, 255, 256, 4097, 65_536]

export function macCases<Config>(bench: Bench<Config>, entrances: Entrances<Config>): CaseTable {
  return {
    'HMACs are as long as the hash, depend on key and data, and nothing else, or are refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        for (const algorithm of algorithms) {
          const where = claims.custodies(algorithm, 'mac')
          if (where.length === 0) {
            await assertUnsupported(provider.mac(nobody(algorithm, 'mac'), randomBytes(8), op), algorithm)
          }
          for (const custody of where) {
            const one = await provider.generate(spec(algorithm, 'mac', { custody }), op)
            const other = await provider.generate(spec(algorithm, 'mac', { custody }), op)
            const data = randomBytes(100)
            const macs = await Promise.all([
              provider.mac(one.ref, data, op),
              provider.mac(other.ref, data, op),
              provider.mac(one.ref, data.subarray(1), op),
            ])
            for (const mac of macs) assert.equal(mac.length, Number(algorithm.slice(-3)) / 8)
            assert.equal(new Set(macs.map(mac => Buffer.from(mac).toString('hex'))).size, 3)
            assertBytes(await provider.mac(one.ref, data, op), macs[0], 'the same again')
          }
        }
      }),

    'HMACs of a known key are those made outside': entrances.case(async (token, door) => {
      if (door === undefined) return
      for (const algorithm of algorithms) {
        for (const custody of token.claims.custodies(algorithm, 'mac')) {
          const known = knownKey(algorithm)
          const { ref } = await door.bring(known, { usage: 'mac', custody })
          for (const size of sizes) {
            const data = randomBytes(size)
            const mac = await token.provider.mac(ref, data, op)
            assertBytes(mac, hmac(algorithm, known.bytes, data), `${algorithm} of ${size} bytes, ${custody}`)
          }
        }
      }
    }),

    'more than 65,536 bytes to authenticate are refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('HMAC-SHA-256', 'mac')
        if (custody === undefined) return
        const { ref } = await provider.generate(spec('HMAC-SHA-256', 'mac', { custody }), op)
        await assertTypeError(provider.mac(ref, new Uint8Array(65_537), op), 'a byte too many')
      }),
  }
}
