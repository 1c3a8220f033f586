import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { GeneratedKey, KeyAlgorithm, KeyUsage, SealedRef } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused } from '../assertions.ts'
import { op, sealedRef, spec, type Bench, type Token } from '../bench.ts'
import { newPair, signInput, signers, spkiOf } from '../independent.ts'

const kinds: readonly (readonly [KeyAlgorithm, KeyUsage])[] = [
  ['P-256', 'sign'],
  ['P-256', 'derive'],
  ['Ed25519', 'sign'],
  ['RSA-2048', 'sign'],
  ['AES-256', 'encrypt'],
  ['AES-256', 'wrap'],
  ['HMAC-SHA-256', 'mac'],
]

export function recordCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    ...Object.fromEntries(
      kinds.map(([algorithm, usage]) => [
        `a sealed ${algorithm} key to ${usage} is used as the one on record, and no other good key in its place`,
        () =>
          bench.withFreshToken(async token => {
            if (!token.claims.makes('sealed', algorithm, usage)) return
            const [own, other] = [await make(token, algorithm, usage), await make(token, algorithm, usage)]
            await use(token, onRecord(own, own))
            await use(token, onRecord(other, other))
            // both are known by now, each as itself
            await assertRefused(use(token, onRecord(other, own)), 'hsm-failed', 'another key’s blob')
            await assertRefused(use(token, onRecord(own, other)), 'hsm-failed', 'another key’s record')
            await use(token, sealedRef(own))
            await use(token, onRecord(own, own))
          }),
      ]),
    ),

    'a key is not exported under the name of another': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined || !claims.makes('sealed', 'AES-256', 'encrypt')) return
        const [own, other] = await Promise.all(
          [1, 2].map(() => provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op)),
        )
        if (own === undefined || other === undefined) return
        const recipient = spkiOf(newPair('RSA-2048').publicKey)
        await provider.exportKey(onRecord(own, own), recipient, oaep, op)
        await assertRefused(provider.exportKey(onRecord(other, own), recipient, oaep, op), 'hsm-failed')
      }),

    'a record that is no public key is refused like any other': () =>
      bench.withFreshToken(async token => {
        if (!token.claims.makes('sealed', 'P-256', 'sign')) return
        const made = await make(token, 'P-256', 'sign')
        for (const spki of [
          randomBytes(91),
          spkiOf(newPair('RSA-2048').publicKey),
          spkiOf(newPair('P-384').publicKey),
        ]) {
          await assertRefused(use(token, { ...sealedRef(made), spki }), 'hsm-failed')
        }
        await use(token, onRecord(made, made))
      }),

    'a key that is forgotten can be used again, and forgetting is of no effect for what is not kept': () =>
      bench.withFreshToken(async token => {
        const { provider, claims } = token
        if (provider.forget === undefined || !claims.makes('sealed', 'HMAC-SHA-256', 'mac')) return
        const made = await make(token, 'HMAC-SHA-256', 'mac')
        const ref = onRecord(made, made)
        await provider.forget(ref, op)
        const data = randomBytes(20)
        const before = await provider.mac(ref, data, op)
        await provider.forget(ref, op)
        await provider.forget(ref, op)
        assertBytes(await provider.mac(ref, data, op), before, 'the HMAC')
        await provider.forget({ ...ref, rootKey: 999 }, op)
        await provider.forget({ ...ref, blob: randomBytes(40) }, op)
        assertBytes(await provider.mac(ref, data, op), before, 'the HMAC')
      }),

    'a key can be forgotten while it is used, and every use is answered': () =>
      bench.withFreshToken(async token => {
        const { provider, claims } = token
        if (provider.forget === undefined || !claims.makes('sealed', 'HMAC-SHA-256', 'mac')) return
        const ref = sealedRef(await make(token, 'HMAC-SHA-256', 'mac'))
        const data = randomBytes(20)
        const first = await provider.mac(ref, data, op)
        for (let round = 0; round < 10; round++) {
          const uses = Array.from({ length: 20 }, () => provider.mac(ref, data, op))
          await provider.forget(ref, op)
          for (const mac of await Promise.all(uses)) assertBytes(mac, first, 'the HMAC')
        }
      }),
  }
}

const make = ({ provider }: Token, algorithm: KeyAlgorithm, usage: KeyUsage): Promise<GeneratedKey> =>
  provider.generate(spec(algorithm, usage), op)

/** The blob of one key with what is on record of another. */
function onRecord(blobOf: GeneratedKey, { spki, checkValue }: GeneratedKey): SealedRef {
  const ref = sealedRef(blobOf)
  assert.ok((spki === undefined) !== (checkValue === undefined), 'a key has one name')
  if (spki !== undefined) return { ...ref, spki }
  return { ...ref, checkValue: checkValue ?? new Uint8Array() }
}

/** One use that such a key is for. */
function use({ provider, claims }: Token, ref: SealedRef): Promise<unknown> {
  switch (ref.usage) {
    case 'sign': {
      const algorithm = claims.published.sign.find(each => signers[each].includes(ref.algorithm))
      if (algorithm === undefined) throw new Error('a key that signs nothing was made')
      return provider.sign(ref, algorithm, signInput(algorithm, randomBytes(20)), op)
    }
    case 'derive':
      return provider.derive(ref, spkiOf(newPair('P-256').publicKey), op)
    case 'encrypt':
      return provider.encrypt(ref, randomBytes(20), new Uint8Array(), op)
    case 'wrap':
      return provider.wrap(ref, randomBytes(20), op)
    case 'mac':
      return provider.mac(ref, randomBytes(20), op)
    case 'import':
      throw new Error('not made here')
  }
}
