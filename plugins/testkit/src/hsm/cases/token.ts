import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { CaseTable } from '../../conformance-case.ts'
import { assertRefused } from '../assertions.ts'
import { op, residentRef, spec, type Bench } from '../bench.ts'

/** What a token has to tell that shares root keys with others. */
export function tokenCases<Config>(bench: Bench<Config>): CaseTable {
  const { shared = false } = bench.subject.plugin.supports
  const flag: CaseTable = {
    'token is there if and only if supports.shared says so': () =>
      bench.withFreshToken(async ({ provider }) => assert.equal(typeof provider.token === 'function', shared)),
  }
  if (!shared) return flag
  return {
    ...flag,
    'the token says which one it is, and its root keys with the newest last': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const before = await provider.token?.(op)
        assert.equal(before?.serial, claims.published.token.serial)
        assert.deepEqual(before.rootKeys, [await provider.newestRootKey(op)])
        const number = await provider.createRootKey(op)
        assert.deepEqual((await provider.token?.(op))?.rootKeys, [...before.rootKeys, number])
      }),

    'a resident key names its token, and is refused as a key of another one': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (!claims.signs('ES256') || !claims.makes('resident', 'P-256', 'sign')) return
        const ref = residentRef(await provider.generate(spec('P-256', 'sign', { custody: 'resident' }), op))
        assert.equal(ref.token, claims.published.token.serial)
        const elsewhere = { ...ref, token: `${claims.published.token.serial}x` }
        await assertRefused(provider.sign(elsewhere, 'ES256', randomBytes(32), op), 'hsm-key-missing')
        await assertRefused(provider.locate(elsewhere, op), 'hsm-key-missing')
        await assertRefused(provider.destroy(elsewhere, op), 'hsm-key-missing')
        const { token: _, ...anywhere } = ref
        await provider.sign(anywhere, 'ES256', randomBytes(32), op)
      }),
  }
}
