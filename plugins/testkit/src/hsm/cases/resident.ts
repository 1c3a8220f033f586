import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { keyAlgorithms, usagesOf, type GeneratedKey } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertRefused } from '../assertions.ts'
import { newId, nobody, op, residentRef, spec, type Bench } from '../bench.ts'
import { signInput, verifies } from '../independent.ts'
import { halves } from './generate.ts'

export function residentCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'resident keys outlive the provider, whole and of every algorithm': () =>
      bench.withPlace(async place => {
        const made: GeneratedKey[] = []
        await bench.withToken(place, async ({ provider, claims }) => {
          for (const algorithm of keyAlgorithms) {
            const usage = usagesOf[algorithm].find(each => claims.makes('resident', algorithm, each))
            if (usage === undefined) continue
            made.push(await provider.generate(spec(algorithm, usage, { custody: 'resident' }), op))
          }
        })
        await bench.withToken(place, async ({ provider }) => {
          for (const key of made) {
            const ref = residentRef(key)
            assert.deepEqual(halves(await provider.locate(ref, op)), halves(key), `${ref.algorithm} for ${ref.usage}`)
          }
        })
      }),

    'a key signs after the provider was opened again, resident or sealed': () =>
      bench.withPlace(async place => {
        const made = await bench.withToken(place, ({ provider, claims }) =>
          Promise.all(
            claims.custodies('P-256', 'sign').map(custody => provider.generate(spec('P-256', 'sign', { custody }), op)),
          ),
        )
        await bench.withToken(place, async ({ provider }) => {
          for (const { ref, spki = new Uint8Array() } of made) {
            const message = randomBytes(50)
            const signature = await provider.sign(ref, 'ES256', signInput('ES256', message), op)
            assert.ok(verifies(spki, 'ES256', message, signature), `${ref.custody} key`)
          }
        })
      }),

    'a key that the token does not have is absent, and using it is refused with hsm-key-missing': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const absent = nobody('P-256', 'sign')
        assert.equal(await provider.locate(absent, op), undefined)
        if (claims.signs('ES256')) {
          await assertRefused(provider.sign(absent, 'ES256', randomBytes(32), op), 'hsm-key-missing')
        }
      }),

    'another key under the id of one that is gone is refused with hsm-key-missing, where the reference says which it was':
      () =>
        bench.withPlace(async place => {
          const id = newId()
          const generate = (): Promise<readonly [GeneratedKey, GeneratedKey] | undefined> =>
            bench.withToken(place, async ({ provider, claims }) => {
              if (!claims.makes('resident', 'P-256', 'sign') || !claims.signs('ES256')) return undefined
              const first = await provider.generate(spec('P-256', 'sign', { custody: 'resident', id }), op)
              await provider.destroy(residentRef(first), op)
              return [first, await provider.generate(spec('P-256', 'sign', { custody: 'resident', id }), op)]
            })
          const made = await generate()
          if (made === undefined) return
          const [gone, there] = made
          await bench.withToken(place, async ({ provider }) => {
            const digest = randomBytes(32)
            const wanted = { ...residentRef(gone), identity: gone.spki ?? new Uint8Array() }
            await assertRefused(provider.sign(wanted, 'ES256', digest, op), 'hsm-key-missing', 'signing')
            await assertRefused(provider.locate(wanted, op), 'hsm-key-missing', 'locating')
            await provider.sign({ ...wanted, identity: there.spki ?? new Uint8Array() }, 'ES256', digest, op)
          })
        }),

    'a key that was destroyed is gone for good, and destroying it again is success': () =>
      bench.withPlace(async place => {
        const gone = await bench.withToken(place, async ({ provider, claims }) => {
          const destroyed = []
          for (const algorithm of ['P-256', 'AES-256', 'HMAC-SHA-256'] as const) {
            const [usage] = usagesOf[algorithm]
            if (!claims.makes('resident', algorithm, usage)) continue
            const ref = residentRef(await provider.generate(spec(algorithm, usage, { custody: 'resident' }), op))
            const kept = await provider.generate(spec(algorithm, usage, { custody: 'resident' }), op)
            await provider.destroy(ref, op)
            assert.equal(await provider.locate(ref, op), undefined, `${algorithm} is gone`)
            await provider.destroy(ref, op)
            assert.ok(await provider.locate(residentRef(kept), op), 'the other one stays')
            destroyed.push(ref)
          }
          const [pair] = destroyed
          if (pair?.algorithm === 'P-256') {
            await assertRefused(provider.sign(pair, 'ES256', randomBytes(32), op), 'hsm-key-missing')
          }
          return destroyed
        })
        await bench.withToken(place, async ({ provider }) => {
          for (const ref of gone) assert.equal(await provider.locate(ref, op), undefined, `${ref.algorithm} stays gone`)
        })
      }),

    'destroying a key that never was is success': () =>
      bench.withFreshToken(async ({ provider }) => {
        for (const algorithm of ['P-256', 'AES-256'] as const) {
          await provider.destroy(nobody(algorithm, usagesOf[algorithm][0]), op)
        }
      }),
  }
}
