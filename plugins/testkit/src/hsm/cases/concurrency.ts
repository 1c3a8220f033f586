import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused } from '../assertions.ts'
import { flipped, op, spec, type Bench, type Token } from '../bench.ts'
import { signers, signInput, verifies } from '../independent.ts'

export function concurrencyCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    '64 calls at once are each answered for what they asked': () =>
      bench.withFreshToken(async token => {
        const works = await everyWork(token)
        await Promise.all(Array.from({ length: 64 }, async (_, n) => works[n % works.length]?.()))
        assert.equal((await token.provider.health(op)).ok, true)
      }),

    'keys made at the same time are different keys': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('P-256', 'sign')
        if (custody === undefined) return
        const made = await Promise.all(
          Array.from({ length: 16 }, () => provider.generate(spec('P-256', 'sign', { custody }), op)),
        )
        assert.equal(new Set(made.map(({ spki = new Uint8Array() }) => Buffer.from(spki).toString('hex'))).size, 16)
      }),

    'bad calls among good ones spoil none of them': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('AES-256', 'encrypt')
        if (custody === undefined) return
        const { ref } = await provider.generate(spec('AES-256', 'encrypt', { custody }), op)
        const calls = Array.from({ length: 64 }, async (_, n) => {
          const plaintext = randomBytes(100)
          const aad = randomBytes(10)
          const { iv, ciphertext } = await provider.encrypt(ref, plaintext, aad, op)
          const given = n % 2 === 0 ? ciphertext : flipped(ciphertext, n)
          const opening = provider.decrypt(ref, { algorithm: 'A256GCM', iv, ciphertext: given, aad }, op)
          if (n % 2 === 0) assertBytes(await opening, plaintext, `call ${n}`)
          else await assertRefused(opening, 'decryption-failed', `call ${n}`)
        })
        await Promise.all(calls)
      }),
  }
}

/** One piece of work of each kind the token can do, each of which checks its own answer. */
async function everyWork({ provider, claims }: Token): Promise<readonly (() => Promise<void>)[]> {
  const works: (() => Promise<void>)[] = [async () => assert.equal((await provider.random(100, op)).length, 100)]
  for (const algorithm of ['ES256', 'PS256', 'EdDSA'] as const) {
    const [key = 'P-256'] = signers[algorithm]
    if (!claims.signs(algorithm)) continue
    for (const custody of claims.custodies(key, 'sign')) {
      const { ref, spki = new Uint8Array() } = await provider.generate(spec(key, 'sign', { custody }), op)
      works.push(async () => {
        const message = randomBytes(30)
        const signature = await provider.sign(ref, algorithm, signInput(algorithm, message), op)
        assert.ok(verifies(spki, algorithm, message, signature), `${algorithm}, ${custody}`)
      })
    }
  }
  for (const custody of claims.custodies('AES-256', 'encrypt')) {
    const { ref } = await provider.generate(spec('AES-256', 'encrypt', { custody }), op)
    works.push(async () => {
      const plaintext = randomBytes(9000)
      const aad = randomBytes(20)
      const sealed = await provider.encrypt(ref, plaintext, aad, op)
      assertBytes(await provider.decrypt(ref, { algorithm: 'A256GCM', aad, ...sealed }, op), plaintext, 'GCM')
    })
  }
  for (const custody of claims.custodies('AES-256', 'wrap')) {
    const { ref } = await provider.generate(spec('AES-256', 'wrap', { custody }), op)
    works.push(async () => {
      const bytes = randomBytes(77)
      assertBytes(await provider.unwrap(ref, await provider.wrap(ref, bytes, op), op), bytes, 'wrap')
    })
  }
  for (const custody of claims.custodies('HMAC-SHA-256', 'mac')) {
    const { ref } = await provider.generate(spec('HMAC-SHA-256', 'mac', { custody }), op)
    const data = randomBytes(200)
    const mac = await provider.mac(ref, data, op)
    works.push(async () => assertBytes(await provider.mac(ref, data, op), mac, 'HMAC'))
  }
  return works
}
