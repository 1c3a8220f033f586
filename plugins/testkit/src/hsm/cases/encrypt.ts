import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Ciphertext, KeyRef } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertLength, assertTypeError, assertUniform, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, spec, type Bench, type Token } from '../bench.ts'
import type { Entrances } from '../importing.ts'
import { gcmOpen, gcmSeal, knownKey } from '../independent.ts'

const sizes = [0, 1, 15, 16, 17, 255, 256, 4096, 65_536]

export function encryptCases<Config>(bench: Bench<Config>, entrances: Entrances<Config>): CaseTable {
  return {
    'AES-256-GCM gives back what it was given, of every size and in every custody, or is refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (!claims.opens('A256GCM')) {
          const ref = nobody('AES-256', 'encrypt')
          await assertUnsupported(provider.encrypt(ref, randomBytes(8), randomBytes(8), op), 'encrypt')
          await assertUnsupported(provider.decrypt(ref, sealedBy(randomBytes(32)), op), 'decrypt')
          return
        }
        const where = claims.custodies('AES-256', 'encrypt')
        assert.ok(where.length > 0, 'A256GCM is claimed and no key can be made for it')
        for (const custody of where) {
          const { ref } = await provider.generate(spec('AES-256', 'encrypt', { custody }), op)
          for (const size of sizes) {
            const plaintext = randomBytes(size)
            const aad = randomBytes(size % 40)
            const sealed = await provider.encrypt(ref, plaintext, aad, op)
            assert.deepEqual(Object.keys(sealed).toSorted(), ['ciphertext', 'iv'])
            assertLength(sealed.iv, 12, 'an IV')
            assertLength(sealed.ciphertext, size + 16, `the ciphertext of ${size} bytes and its tag`)
            const opened = await provider.decrypt(ref, { algorithm: 'A256GCM', aad, ...sealed }, op)
            assertBytes(opened, plaintext, `${size} bytes under a ${custody} key`)
          }
        }
      }),

    'AES-256-GCM under a known key is opened outside, and what was sealed outside is opened here': entrances.case(
      async (token, door) => {
        const { provider, claims } = token
        if (door === undefined) return
        for (const custody of claims.custodies('AES-256', 'encrypt')) {
          const known = knownKey('AES-256')
          const { ref } = await door.bring(known, { usage: 'encrypt', custody })
          for (const size of sizes) {
            const plaintext = randomBytes(size)
            const aad = randomBytes(size % 33)
            const { iv, ciphertext } = await provider.encrypt(ref, plaintext, aad, op)
            assertBytes(gcmOpen(known.bytes, iv, aad, ciphertext), plaintext, `${size} bytes opened outside`)
            const ours = randomBytes(12)
            const sealed = gcmSeal(known.bytes, ours, aad, plaintext)
            const opened = await provider.decrypt(ref, { algorithm: 'A256GCM', aad, iv: ours, ciphertext: sealed }, op)
            assertBytes(opened, plaintext, `${size} bytes opened here`)
          }
        }
      },
    ),

    'more than 65,536 bytes of plaintext are refused with a TypeError': () =>
      bench.withFreshToken(async token => {
        const ref = await aesKey(token)
        if (ref === undefined) return
        await assertTypeError(
          token.provider.encrypt(ref, new Uint8Array(65_537), new Uint8Array(), op),
          'a byte too many',
        )
      }),

    'no IV comes twice in 1,000 encryptions, nor the same ciphertext': () =>
      bench.withFreshToken(async token => {
        const ref = await aesKey(token)
        if (ref === undefined) return
        const ivs = new Set<string>()
        const ciphertexts = new Set<string>()
        for (let round = 0; round < 1000; round++) {
          const { iv, ciphertext } = await token.provider.encrypt(ref, new Uint8Array(32), new Uint8Array(), op)
          ivs.add(Buffer.from(iv).toString('hex'))
          ciphertexts.add(Buffer.from(ciphertext).toString('hex'))
        }
        assert.equal(ivs.size, 1000)
        assert.equal(ciphertexts.size, 1000)
      }),

    'whatever is wrong with an AES-256-GCM ciphertext, the answer is the same, and the next is opened': () =>
      bench.withFreshToken(async token => {
        const { provider } = token
        const ref = await aesKey(token)
        const other = await aesKey(token)
        if (ref === undefined || other === undefined) return
        const plaintext = randomBytes(33)
        const aad = randomBytes(20)
        const { iv, ciphertext } = await provider.encrypt(ref, plaintext, aad, op)
        const decrypt =
          (key: KeyRef, change: Partial<{ iv: Uint8Array; ciphertext: Uint8Array; aad: Uint8Array }>) => () =>
            provider.decrypt(key, { algorithm: 'A256GCM', iv, ciphertext, aad, ...change }, op)
        const flips = (name: 'iv' | 'ciphertext' | 'aad', bytes: Uint8Array) =>
          Array.from(bytes, (_, at) => [`byte ${at} of ${name}`, decrypt(ref, { [name]: flipped(bytes, at) })] as const)
        await assertUniform(
          [
            ...flips('iv', iv),
            ...flips('ciphertext', ciphertext),
            ...flips('aad', aad),
            ['no AAD', decrypt(ref, { aad: new Uint8Array() })],
            ['AAD cut short', decrypt(ref, { aad: aad.subarray(1) })],
            ['AAD and ciphertext exchanged', decrypt(ref, { aad: ciphertext, ciphertext: aad })],
            ['nothing', decrypt(ref, { ciphertext: new Uint8Array() })],
            ['less than a tag', decrypt(ref, { ciphertext: ciphertext.subarray(0, 15) })],
            ['a tag alone', decrypt(ref, { ciphertext: ciphertext.subarray(-16) })],
            ['cut short', decrypt(ref, { ciphertext: ciphertext.subarray(0, -1) })],
            ['a byte too many', decrypt(ref, { ciphertext: Buffer.concat([ciphertext, Buffer.alloc(1)]) })],
            ['no IV', decrypt(ref, { iv: new Uint8Array() })],
            ['a short IV', decrypt(ref, { iv: iv.subarray(1) })],
            ['a long IV', decrypt(ref, { iv: Buffer.concat([iv, Buffer.alloc(4)]) })],
            ['another key', decrypt(other, {})],
          ],
          'decryption-failed',
          async () => assertBytes(await decrypt(ref, {})(), plaintext, 'the next one'),
        )
        assert.equal((await provider.health(op)).ok, true, 'bad input does not break the token')
      }),
  }
}

function sealedBy(key: Uint8Array): Ciphertext {
  const aad = new Uint8Array()
  const iv = randomBytes(12)
  return { algorithm: 'A256GCM', iv, aad, ciphertext: gcmSeal(key, iv, aad, randomBytes(8)) }
}

async function aesKey({ provider, claims }: Token): Promise<KeyRef | undefined> {
  const [custody] = claims.custodies('AES-256', 'encrypt')
  return custody && (await provider.generate(spec('AES-256', 'encrypt', { custody }), op)).ref
}
