import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { oaepAlgorithms } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertUniform, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, spec, type Bench } from '../bench.ts'
import { oaepRoom, oaepSeal, rsaKeys } from '../independent.ts'

export function oaepCases<Config>(bench: Bench<Config>): CaseTable {
  const eachKey = rsaKeys.map(
    key =>
      [
        `${key} keys open every OAEP the token claims, made outside, and refuse the others`,
        () => openEach(bench, key),
      ] as const,
  )
  return {
    ...Object.fromEntries(eachKey),

    'whatever is wrong with an OAEP ciphertext, the answer is the same, and the next is opened': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('RSA-2048', 'encrypt')
        const { oaep } = claims
        if (custody === undefined || oaep === undefined) return
        const { ref, spki = new Uint8Array() } = await provider.generate(spec('RSA-2048', 'encrypt', { custody }), op)
        const other = await provider.generate(spec('RSA-2048', 'encrypt', { custody }), op)
        const message = randomBytes(40)
        const good = oaepSeal(spki, oaep, message)
        const decrypt = (ciphertext: Uint8Array) => () => provider.decrypt(ref, { algorithm: oaep, ciphertext }, op)
        const places = Array.from(good.keys()).filter(at => at % 8 === 0)
        const wrongHash = oaepAlgorithms.find(hash => hash !== oaep) ?? oaep
        await assertUniform(
          [
            ...places.map(at => [`byte ${at} flipped`, decrypt(flipped(good, at))] as const),
            ['nothing', decrypt(new Uint8Array())],
            ['cut short', decrypt(good.subarray(0, -1))],
            ['a byte too many', decrypt(Buffer.concat([good, Buffer.alloc(1)]))],
            ['zeros', decrypt(new Uint8Array(256))],
            ['more than the modulus', decrypt(new Uint8Array(256).fill(0xff))],
            ['another hash', decrypt(oaepSeal(spki, wrongHash, message))],
            ['another key', decrypt(oaepSeal(other.spki ?? new Uint8Array(), oaep, message))],
          ],
          'decryption-failed',
          async () => assertBytes(await decrypt(good)(), message, 'the next one'),
        )
        assert.equal((await provider.health(op)).ok, true, 'bad input does not break the token')
      }),
  }
}

async function openEach<Config>(bench: Bench<Config>, key: (typeof rsaKeys)[number]): Promise<void> {
  await bench.withFreshToken(async ({ provider, claims }) => {
    for (const algorithm of oaepAlgorithms.filter(each => !claims.opens(each))) {
      const ciphertext = randomBytes(256)
      await assertUnsupported(provider.decrypt(nobody(key, 'encrypt'), { algorithm, ciphertext }, op), algorithm)
    }
    for (const custody of claims.custodies(key, 'encrypt')) {
      const { ref, spki = new Uint8Array() } = await provider.generate(spec(key, 'encrypt', { custody }), op)
      for (const algorithm of oaepAlgorithms.filter(each => claims.opens(each))) {
        for (const size of [0, 1, 32, oaepRoom(algorithm, Number(key.slice(-4)))]) {
          const message = randomBytes(size)
          const opened = await provider.decrypt(ref, { algorithm, ciphertext: oaepSeal(spki, algorithm, message) }, op)
          assertBytes(opened, message, `${algorithm} of ${size} bytes under a ${custody} ${key} key`)
        }
      }
    }
  })
}
