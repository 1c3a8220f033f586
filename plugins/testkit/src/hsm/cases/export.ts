import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import { keyAlgorithms, oaepAlgorithms, usagesOf, type SealedRef } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused, assertTurnedAway, assertUnsupported } from '../assertions.ts'
import { flipped, nobody, op, sealedRef, spec, type Bench } from '../bench.ts'
import { checkValue, newPair, openExported, secretBytes, spkiOf, spkiOfPkcs8 } from '../independent.ts'

export function exportCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'an exportable key of every algorithm is opened by its recipient, and is the key it was': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined) return
        const recipient = newPair('RSA-3072')
        for (const algorithm of keyAlgorithms) {
          const usage = usagesOf[algorithm].find(each => claims.makes('sealed', algorithm, each))
          if (usage === undefined) continue
          const made = await provider.generate(spec(algorithm, usage, { exportable: true }), op)
          const exported = await provider.exportKey(sealedRef(made), spkiOf(recipient.publicKey), oaep, op)
          const bytes = openExported(recipient.privateKey, oaep, exported)
          if (secretBytes(algorithm) === undefined) {
            assertBytes(spkiOfPkcs8(bytes), made.spki ?? new Uint8Array(), algorithm)
          } else {
            assertBytes(checkValue({ algorithm, bytes }, usage), made.checkValue ?? new Uint8Array(), algorithm)
          }
        }
      }),

    'keys are exported to recipients of 2048 to 4096 bits, under every OAEP the token has, and no other': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (!claims.makes('sealed', 'AES-256', 'encrypt')) return
        const made = await provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op)
        const ref = sealedRef(made)
        for (const size of ['RSA-2048', 'RSA-4096'] as const) {
          const { publicKey, privateKey } = newPair(size)
          for (const oaep of oaepAlgorithms) {
            const exporting = provider.exportKey(ref, spkiOf(publicKey), oaep, op)
            if (!claims.opens(oaep)) {
              await assertUnsupported(exporting, oaep)
              continue
            }
            const bytes = openExported(privateKey, oaep, await exporting)
            assertBytes(
              checkValue({ algorithm: 'AES-256', bytes }, 'encrypt'),
              made.checkValue ?? new Uint8Array(),
              size,
            )
          }
        }
      }),

    'no two exports of a key are alike': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined || !claims.makes('sealed', 'AES-256', 'encrypt')) return
        const ref = sealedRef(await provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op))
        const recipient = spkiOf(newPair('RSA-2048').publicKey)
        const one = await provider.exportKey(ref, recipient, oaep, op)
        const other = await provider.exportKey(ref, recipient, oaep, op)
        assert.notDeepEqual(one.subarray(0, 256), other.subarray(0, 256), 'the transport key')
        assert.notDeepEqual(one.subarray(256), other.subarray(256), 'the wrapped key')
      }),

    'a recipient that is no RSA key of 2048 to 4096 bits is refused': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined || !claims.makes('sealed', 'AES-256', 'encrypt')) return
        const ref = sealedRef(await provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op))
        const good = spkiOf(newPair('RSA-2048').publicKey)
        const bad: readonly (readonly [string, Uint8Array])[] = [
          ['1024 bits', spkiOf(rsaOf(1024))],
          ['2040 bits', spkiOf(rsaOf(2040))],
          ['4104 bits', spkiOf(rsaOf(4104))],
          ['an EC key', spkiOf(newPair('P-256').publicKey)],
          ['an Ed25519 key', spkiOf(newPair('Ed25519').publicKey)],
          ['nothing', new Uint8Array()],
          ['cut short', good.subarray(0, -1)],
          ['random bytes', randomBytes(good.length)],
        ]
        for (const [what, recipient] of bad) {
          await assertTurnedAway(provider.exportKey(ref, recipient, oaep, op), what)
        }
        await provider.exportKey(ref, good, oaep, op)
      }),

    'a key that was not made exportable is not exported, whatever its reference claims': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined) return
        const recipient = spkiOf(newPair('RSA-2048').publicKey)
        const refuses = async (ref: SealedRef, what: string): Promise<void> => {
          await assertRefused(provider.exportKey(ref, recipient, oaep, op), 'usage-not-allowed', what)
          const lie = { ...ref, exportable: true }
          await assertTurnedAway(provider.exportKey(lie, recipient, oaep, op), `${what}, claimed to be exportable`)
        }
        for (const algorithm of ['P-256', 'RSA-2048', 'AES-256', 'HMAC-SHA-256'] as const) {
          const [usage] = usagesOf[algorithm]
          if (!claims.makes('sealed', algorithm, usage)) continue
          const made = sealedRef(await provider.generate(spec(algorithm, usage), op))
          await refuses(made, algorithm)
          if (algorithm !== 'AES-256') continue
          await refuses(await provider.rewrap(made, op), 'rewrapped')
          // the other way round: a key is not taken for one that stays
          const leaving = sealedRef(await provider.generate(spec(algorithm, usage, { exportable: true }), op))
          const sealed = provider.encrypt({ ...leaving, exportable: false }, recipient, recipient, op)
          await assertTurnedAway(sealed, 'an exportable key claimed not to be')
        }
        if (claims.imports) {
          await refuses(sealedRef(await provider.generate(spec('RSA-4096', 'import'), op)), 'an import key')
        }
        const resident = { ...nobody('P-256', 'sign'), exportable: true, rootKey: 1, blob: new Uint8Array(32) }
        // a caller in JavaScript can name any key here
        const lie = resident as unknown as SealedRef
        await assertTurnedAway(provider.exportKey(lie, recipient, oaep, op), 'a resident key')
      }),

    'an exportable key that was tampered with is not exported': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const { oaep } = claims
        if (oaep === undefined || !claims.makes('sealed', 'AES-256', 'encrypt')) return
        const ref = sealedRef(await provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op))
        const recipient = spkiOf(newPair('RSA-2048').publicKey)
        for (const at of ref.blob.keys()) {
          const bad = { ...ref, blob: flipped(ref.blob, at) }
          await assertTurnedAway(provider.exportKey(bad, recipient, oaep, op), `byte ${at} flipped`)
        }
        await provider.exportKey(ref, recipient, oaep, op)
      }),
  }
}

/** A public key that nobody has the private half of. */
function rsaOf(bits: number): KeyObject {
  const modulus = randomBytes(bits / 8)
  modulus[0] = (modulus[0] ?? 0) | 0x80
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) | 1
  return createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
}
