import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { GeneratedKey, KeyRef, OaepAlgorithm } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertTurnedAway } from '../assertions.ts'
import { flipped, op, sealedRef, spec, type Bench, type Token } from '../bench.ts'
import { checkValue, newPair, openExported, spkiOf } from '../independent.ts'

export function rootKeyCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'root keys are numbered one after another, and the newest is told': () =>
      bench.withPlace(async place => {
        const newest = await bench.withToken(place, async ({ provider }) => {
          const first = await provider.newestRootKey(op)
          assert.ok(Number.isInteger(first) && first >= 1)
          assert.equal(await provider.createRootKey(op), first + 1)
          assert.equal(await provider.newestRootKey(op), first + 1)
          assert.equal(await provider.createRootKey(op), first + 2)
          return first + 2
        })
        await bench.withToken(place, async ({ provider }) => assert.equal(await provider.newestRootKey(op), newest))
      }),

    'a new root key seals what is made from then on, and what older ones sealed goes on working': () =>
      bench.withPlace(async place => {
        const keys: Held[] = []
        await bench.withToken(place, async token => {
          keys.push(...(await hold(token)))
          const number = await token.provider.createRootKey(op)
          const newer = await hold(token)
          for (const { made } of newer) assert.equal(sealedRef(made).rootKey, number)
          keys.push(...newer)
          for (const each of keys) await each.works(token, each.made.ref)
        })
        await bench.withToken(place, async token => {
          for (const each of keys) await each.works(token, each.made.ref)
        })
      }),

    'a rewrapped key is the same key in another blob, under the newest root key': () =>
      bench.withPlace(async place => {
        const moved: (readonly [Held, KeyRef])[] = []
        await bench.withToken(place, async token => {
          const { provider } = token
          const keys = await hold(token)
          const number = await provider.createRootKey(op)
          for (const each of keys) {
            const before = sealedRef(each.made)
            const after = await provider.rewrap(before, op)
            const { blob, rootKey, ...rest } = after
            const { blob: oldBlob, rootKey: oldKey, ...restBefore } = before
            assert.deepEqual(rest, restBefore)
            assert.ok(rootKey === number && oldKey < number)
            assert.notDeepEqual(blob, oldBlob)
            await each.works(token, after)
            await each.works(token, before)
            moved.push([each, after])
          }
        })
        await bench.withToken(place, async token => {
          for (const [each, ref] of moved) await each.works(token, ref)
        })
      }),

    'an exportable key stays exportable when it is rewrapped': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const oaep: OaepAlgorithm | undefined = claims.oaep
        if (oaep === undefined || !claims.makes('sealed', 'AES-256', 'encrypt')) return
        const made = await provider.generate(spec('AES-256', 'encrypt', { exportable: true }), op)
        await provider.createRootKey(op)
        const after = await provider.rewrap(sealedRef(made), op)
        const { publicKey, privateKey } = newPair('RSA-2048')
        const exported = await provider.exportKey(after, spkiOf(publicKey), oaep, op)
        const bytes = openExported(privateKey, oaep, exported)
        assertBytes(
          checkValue({ algorithm: 'AES-256', bytes }, 'encrypt'),
          made.checkValue ?? new Uint8Array(),
          'the key',
        )
      }),

    'a blob that was tampered with, or is under a root key there is not, is not rewrapped': () =>
      bench.withFreshToken(async token => {
        const [held] = await hold(token)
        if (held === undefined) return
        const ref = sealedRef(held.made)
        for (const at of ref.blob.keys()) {
          const bad = { ...ref, blob: flipped(ref.blob, at) }
          await assertTurnedAway(token.provider.rewrap(bad, op), `byte ${at} flipped`)
        }
        await assertTurnedAway(token.provider.rewrap({ ...ref, rootKey: 999 }, op), 'no such root key')
        await assertTurnedAway(token.provider.rewrap({ ...ref, exportable: !ref.exportable }, op), 'another kind')
        await held.works(token, await token.provider.rewrap(ref, op))
      }),
  }
}

interface Held {
  readonly made: GeneratedKey
  /** That a reference is to this very key. */
  works(token: Token, ref: KeyRef): Promise<void>
}

/** A pair and a secret key, of those the token can seal. */
async function hold({ provider, claims }: Token): Promise<readonly Held[]> {
  const held: Held[] = []
  if (claims.makes('sealed', 'P-256', 'derive')) {
    const made = await provider.generate(spec('P-256', 'derive'), op)
    const peer = spkiOf(newPair('P-256').publicKey)
    const secret = await provider.derive(made.ref, peer, op)
    held.push({
      made,
      works: async (token, ref) => assertBytes(await token.provider.derive(ref, peer, op), secret, 'the agreement'),
    })
  }
  if (claims.makes('sealed', 'HMAC-SHA-256', 'mac')) {
    const made = await provider.generate(spec('HMAC-SHA-256', 'mac'), op)
    const data = randomBytes(40)
    const mac = await provider.mac(made.ref, data, op)
    held.push({
      made,
      works: async (token, ref) => assertBytes(await token.provider.mac(ref, data, op), mac, 'the HMAC'),
    })
  }
  return held
}
