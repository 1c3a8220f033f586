import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused, assertTypeError, assertUniform } from '../assertions.ts'
import { flipped, op, type Bench } from '../bench.ts'

export function storeSecretCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'a store secret is opened by the token that sealed it, now and after a reopening': () =>
      bench.withPlace(async place => {
        const secret = randomBytes(32)
        const sealed = await bench.withToken(place, async ({ provider }) => {
          const one = await provider.sealStoreSecret(secret, op)
          const other = await provider.sealStoreSecret(secret, op)
          assert.notDeepEqual(one, other, 'sealed twice it is not the same')
          assert.ok(!Buffer.from(one).includes(secret))
          assertBytes(await provider.openStoreSecret(one, op), secret, 'the secret')
          await provider.createRootKey(op)
          assertBytes(await provider.openStoreSecret(other, op), secret, 'the secret')
          return one
        })
        await bench.withToken(place, async ({ provider }) =>
          assertBytes(await provider.openStoreSecret(sealed, op), secret, 'the secret'),
        )
      }),

    'another token does not open it': () =>
      bench.withPlace(async place => {
        const sealed = await bench.withToken(place, ({ provider }) => provider.sealStoreSecret(randomBytes(32), op))
        await bench.withFreshToken(({ provider }) => assertRefused(provider.openStoreSecret(sealed, op), 'hsm-failed'))
      }),

    'one that was tampered with is refused, always alike': () =>
      bench.withFreshToken(async ({ provider }) => {
        const secret = randomBytes(32)
        const sealed = await provider.sealStoreSecret(secret, op)
        await assertUniform(
          [
            ...Array.from(
              sealed,
              (_, at) => [`byte ${at} flipped`, () => provider.openStoreSecret(flipped(sealed, at), op)] as const,
            ),
            ['nothing', () => provider.openStoreSecret(new Uint8Array(), op)],
            ['cut short', () => provider.openStoreSecret(sealed.subarray(0, -1), op)],
            ['a byte too many', () => provider.openStoreSecret(Buffer.concat([sealed, Buffer.alloc(1)]), op)],
          ],
          'hsm-failed',
          async () => assertBytes(await provider.openStoreSecret(sealed, op), secret, 'the next'),
        )
      }),

    'a secret that is not 32 bytes is refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider }) => {
        for (const length of [0, 31, 33]) {
          await assertTypeError(provider.sealStoreSecret(new Uint8Array(length), op), `${length} bytes`)
        }
      }),
  }
}
