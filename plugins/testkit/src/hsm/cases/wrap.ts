import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertTypeError, assertUniform, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, spec, type Bench } from '../bench.ts'
import type { Entrances } from '../importing.ts'
import { knownKey, unwrapPad, wrapPad } from '../independent.ts'

const sizes = [1, 3, 4, 5, 8, 12, 16, 20, 31, 32, 33, 255, 256, 4096]

/** `length u32be | bytes | zeros to a multiple of 8`, as the contract frames the caller's bytes. */
function framed(bytes: Uint8Array, length = bytes.length): Buffer {
  const frame = Buffer.alloc(Math.ceil((4 + bytes.length) / 8) * 8)
  frame.writeUInt32BE(length)
  frame.set(bytes, 4)
  return frame
}

export function wrapCases<Config>(bench: Bench<Config>, entrances: Entrances<Config>): CaseTable {
  return {
    'bytes that were wrapped are unwrapped, of every size and in every custody, or refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const where = claims.custodies('AES-256', 'wrap')
        if (where.length === 0) {
          await assertUnsupported(provider.wrap(nobody('AES-256', 'wrap'), randomBytes(16), op), 'wrap')
          await assertUnsupported(provider.unwrap(nobody('AES-256', 'wrap'), randomBytes(24), op), 'unwrap')
        }
        for (const custody of where) {
          const { ref } = await provider.generate(spec('AES-256', 'wrap', { custody }), op)
          for (const size of sizes) {
            const bytes = randomBytes(size)
            const wrapped = await provider.wrap(ref, bytes, op)
            assert.equal(wrapped.length, framed(bytes).length + 8, `${size} bytes, framed and wrapped`)
            assertBytes(await provider.unwrap(ref, wrapped, op), bytes, `${size} bytes under a ${custody} key`)
          }
          const zeros = new Uint8Array(24)
          assertBytes(await provider.unwrap(ref, await provider.wrap(ref, zeros, op), op), zeros, 'zeros stay')
        }
      }),

    'what is wrapped under a known key is RFC 5649 over the contract’s frame, both ways': entrances.case(
      async (token, door) => {
        const { provider, claims } = token
        if (door === undefined) return
        for (const custody of claims.custodies('AES-256', 'wrap')) {
          const known = knownKey('AES-256')
          const { ref } = await door.bring(known, { usage: 'wrap', custody })
          for (const size of sizes) {
            const bytes = randomBytes(size)
            const wrapped = await provider.wrap(ref, bytes, op)
            assertBytes(unwrapPad(known.bytes, wrapped), framed(bytes), `${size} bytes opened outside`)
            assertBytes(await provider.unwrap(ref, wrapPad(known.bytes, framed(bytes)), op), bytes, 'opened here')
          }
        }
      },
    ),

    'other than 1 to 4,096 bytes to wrap are refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('AES-256', 'wrap')
        if (custody === undefined) return
        const { ref } = await provider.generate(spec('AES-256', 'wrap', { custody }), op)
        for (const size of [0, 4097]) {
          await assertTypeError(provider.wrap(ref, new Uint8Array(size), op), `${size} bytes`)
        }
      }),

    'whatever is wrong with wrapped bytes, the answer is the same, and the next are unwrapped': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('AES-256', 'wrap')
        if (custody === undefined) return
        const { ref } = await provider.generate(spec('AES-256', 'wrap', { custody }), op)
        const other = await provider.generate(spec('AES-256', 'wrap', { custody }), op)
        const bytes = randomBytes(35)
        const wrapped = await provider.wrap(ref, bytes, op)
        const unwrap =
          (bad: Uint8Array, key = ref) =>
          () =>
            provider.unwrap(key, bad, op)
        await assertUniform(
          [
            ...Array.from(wrapped, (_, at) => [`byte ${at} flipped`, unwrap(flipped(wrapped, at))] as const),
            ['nothing', unwrap(new Uint8Array())],
            ['less than a block', unwrap(wrapped.subarray(0, 8))],
            ['a block less', unwrap(wrapped.subarray(0, -8))],
            ['a byte less', unwrap(wrapped.subarray(0, -1))],
            ['a block more', unwrap(Buffer.concat([wrapped, Buffer.alloc(8)]))],
            ['far too much', unwrap(randomBytes(8192))],
            ['random bytes', unwrap(randomBytes(wrapped.length))],
            ['another key', unwrap(wrapped, other.ref)],
          ],
          'decryption-failed',
          async () => assertBytes(await unwrap(wrapped)(), bytes, 'the next'),
        )
        assert.equal((await provider.health(op)).ok, true, 'bad input does not break the token')
      }),

    'wrapped bytes whose frame is wrong are refused like any others': entrances.case(async (token, door) => {
      const [custody] = token.claims.custodies('AES-256', 'wrap')
      if (door === undefined || custody === undefined) return
      const known = knownKey('AES-256')
      const { ref } = await door.bring(known, { usage: 'wrap', custody })
      const bytes = randomBytes(20)
      const unwrap = (content: Uint8Array) => () => token.provider.unwrap(ref, wrapPad(known.bytes, content), op)
      const padded = framed(bytes.subarray(0, 17))
      await assertUniform(
        [
          ['a length beyond the frame', unwrap(framed(bytes, 21))],
          ['a length of nothing', unwrap(framed(new Uint8Array(4), 0))],
          ['a length that leaves a block over', unwrap(framed(bytes, 12))],
          ['a length beyond all', unwrap(framed(bytes, 0xffffffff))],
          ['padding that is not zero', unwrap(flipped(padded, padded.length - 1))],
          ['another tag', () => token.provider.unwrap(ref, flipped(wrapPad(known.bytes, framed(bytes)), 0), op)],
        ],
        'decryption-failed',
        async () => assertBytes(await unwrap(framed(bytes))(), bytes, 'the next'),
      )
    }),
  }
}
