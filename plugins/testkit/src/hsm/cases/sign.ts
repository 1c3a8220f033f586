import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  keyAlgorithms,
  maxSignAll,
  signatureAlgorithms,
  usagesOf,
  type KeyAlgorithm,
  type SignatureAlgorithm,
} from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertTurnedAway, assertTypeError, assertUniform, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, sealedRef, spec, type Bench } from '../bench.ts'
import { digestBytes, signers, signInput, verifies } from '../independent.ts'

const signingKeys = keyAlgorithms.filter(key => usagesOf[key].includes('sign'))

// r‖s (IEEE P1363) is twice the coordinate's length
const lengths: Partial<Readonly<Record<SignatureAlgorithm, number>>> = { ES256: 64, ES384: 96, ES512: 132, EdDSA: 64 }

export function signCases<Config>(bench: Bench<Config>): CaseTable {
  const eachKey = signingKeys.map(
    key =>
      [
        `${key} keys make every kind of signature they can, verified outside, and refuse the others`,
        () => signEach(bench, key),
      ] as const,
  )
  return {
    ...Object.fromEntries(eachKey),

    'a digest that is not as long as its hash is refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        for (const algorithm of signatureAlgorithms) {
          const length = digestBytes(algorithm)
          const key = signers[algorithm].find(each => claims.custodies(each, 'sign').length > 0)
          if (length === undefined || key === undefined || !claims.signs(algorithm)) continue
          const [custody] = claims.custodies(key, 'sign')
          const { ref } = await provider.generate(spec(key, 'sign', custody && { custody }), op)
          for (const wrong of [0, length - 1, length + 1]) {
            await assertTypeError(
              provider.sign(ref, algorithm, randomBytes(wrong), op),
              `${algorithm} of ${wrong} bytes`,
            )
          }
          const message = randomBytes(9)
          await provider.sign(ref, algorithm, signInput(algorithm, message), op)
        }
      }),

    'a signature that is not of the key’s algorithm is refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const [custody] = claims.custodies('P-256', 'sign')
        if (custody === undefined) return
        const { ref } = await provider.generate(spec('P-256', 'sign', { custody }), op)
        for (const algorithm of signatureAlgorithms.filter(each => each !== 'ES256')) {
          const input = signInput(algorithm, randomBytes(20))
          await assertTurnedAway(provider.sign(ref, algorithm, input, op), algorithm)
        }
      }),

    'several signatures in one call are those of its inputs, in their order, or none': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (provider.signAll === undefined) return
        for (const custody of claims.custodies('P-256', 'sign')) {
          const { ref, spki } = await provider.generate(spec('P-256', 'sign', { custody }), op)
          const messages = Array.from({ length: maxSignAll }, (_, index) => Buffer.from(`message ${index}`))
          const inputs = messages.map(message => signInput('ES256', message))
          const signatures = await provider.signAll(ref, 'ES256', inputs, op)
          assert.equal(signatures.length, inputs.length)
          for (const [index, message] of messages.entries()) {
            const signature = signatures[index] ?? new Uint8Array()
            assert.ok(verifies(spki ?? new Uint8Array(), 'ES256', message, signature), `${custody}: input ${index}`)
          }
          await assertTypeError(
            provider.signAll(ref, 'ES256', [...inputs.slice(1), randomBytes(31)], op),
            'a bad digest',
          )
          await assertTypeError(provider.signAll(ref, 'ES256', [], op), 'no input')
          await assertTypeError(provider.signAll(ref, 'ES256', [...inputs, randomBytes(32)], op), 'too many inputs')
        }
      }),

    'a sealed key that was tampered with or is named wrongly signs nothing': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (!claims.makes('sealed', 'P-256', 'sign')) return
        const made = await provider.generate(spec('P-256', 'sign'), op)
        const ref = sealedRef(made)
        const { blob } = ref
        const sign = (bad: Uint8Array) => () => provider.sign({ ...ref, blob: bad }, 'ES256', randomBytes(32), op)
        const message = randomBytes(30)
        const goesOn = async (): Promise<void> => {
          const signature = await provider.sign(ref, 'ES256', signInput('ES256', message), op)
          assert.ok(verifies(made.spki ?? new Uint8Array(), 'ES256', message, signature))
        }
        await assertUniform(
          [
            ...Array.from(blob, (_, at) => [`byte ${at} flipped`, sign(flipped(blob, at))] as const),
            ['nothing', sign(new Uint8Array())],
            ['cut short', sign(blob.subarray(0, -8))],
            ['random bytes', sign(randomBytes(blob.length))],
          ],
          ['hsm-failed', 'decryption-failed'],
          goesOn,
        )
        const elsewhere = { ...ref, rootKey: ref.rootKey + 1000 }
        await assertTurnedAway(provider.sign(elsewhere, 'ES256', randomBytes(32), op), 'a root key there is not')
        const other = { ...ref, algorithm: 'P-384' } as const
        await assertTurnedAway(provider.sign(other, 'ES384', randomBytes(48), op), 'another algorithm')
        await goesOn()
      }),
  }
}

async function signEach<Config>(bench: Bench<Config>, key: KeyAlgorithm): Promise<void> {
  await bench.withFreshToken(async ({ provider, claims }) => {
    const own = signatureAlgorithms.filter(algorithm => signers[algorithm].includes(key))
    const where = claims.custodies(key, 'sign')
    for (const algorithm of own.filter(each => !claims.signs(each))) {
      const input = signInput(algorithm, randomBytes(10))
      await assertUnsupported(provider.sign(nobody(key, 'sign'), algorithm, input, op), algorithm)
    }
    for (const custody of where) {
      const { ref, spki = new Uint8Array() } = await provider.generate(spec(key, 'sign', { custody }), op)
      for (const algorithm of own.filter(each => claims.signs(each))) {
        for (const message of [new Uint8Array(), randomBytes(1), randomBytes(1000)]) {
          const signature = await provider.sign(ref, algorithm, signInput(algorithm, message), op)
          const what = `${algorithm} by a ${custody} ${key} key over ${message.length} bytes`
          assert.ok(verifies(spki, algorithm, message, signature), `${what} does not verify`)
          assert.ok(!verifies(spki, algorithm, randomBytes(8), signature), `${what} verifies for another message`)
          assert.equal(signature.length, lengths[algorithm] ?? Number(key.slice(-4)) / 8, `${what}: its length`)
        }
      }
    }
  })
}
