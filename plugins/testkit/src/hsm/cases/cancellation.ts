import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { WarderError, type KeyAlgorithm, type SignatureAlgorithm } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertRefused } from '../assertions.ts'
import { crowded, op, residentRef, spec, type Bench } from '../bench.ts'
import type { Claims } from '../claims.ts'
import { signInput, verifies } from '../independent.ts'

const promptly = 20_000

export function cancellationCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'a call whose signal is already aborted rejects with cancelled and does nothing': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const gone = { signal: AbortSignal.abort() }
        await assertRefused(provider.random(8, gone), 'cancelled')
        await assertRefused(provider.createRootKey(gone), 'cancelled')
        const [custody] = claims.custodies('P-256', 'sign')
        if (custody === undefined) return
        const wanted = spec('P-256', 'sign', { custody })
        await assertRefused(provider.generate(wanted, gone), 'cancelled')
        const made = await provider.generate(wanted, op)
        await assertRefused(provider.sign(made.ref, 'ES256', randomBytes(32), gone), 'cancelled')
        if (made.ref.custody === 'sealed') return
        await assertRefused(provider.destroy(made.ref, gone), 'cancelled')
        assert.ok(await provider.locate(residentRef(made), op), 'it was not destroyed')
      }),

    'calls that wait for their turn end with their signal, and the token goes on': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const slow = slowest(claims)
        if (slow === undefined) return
        const [key, algorithm] = slow
        const [custody] = claims.custodies(key, 'sign')
        const { ref, spki = new Uint8Array() } = await provider.generate(spec(key, 'sign', custody && { custody }), op)
        const message = randomBytes(20)
        const input = signInput(algorithm, message)
        const controller = crowded(new AbortController())
        const calls = Array.from({ length: 256 }, () => provider.sign(ref, algorithm, input, controller))
        const patient = provider.sign(ref, algorithm, input, op)
        const began = performance.now()
        controller.abort()
        let cancelled = 0
        for (const outcome of await Promise.allSettled(calls)) {
          if (outcome.status === 'fulfilled') assert.ok(verifies(spki, algorithm, message, outcome.value))
          else {
            assert.ok(WarderError.is(outcome.reason, 'cancelled'), `got ${String(outcome.reason)}`)
            cancelled++
          }
        }
        assert.ok(cancelled > 0, 'of 256 calls that were aborted at once some were cancelled')
        assert.ok(performance.now() - began < promptly, 'promptly')
        assert.ok(verifies(spki, algorithm, message, await patient), 'one that was not aborted is served')
      }),

    'cancelling after the answer changes nothing': () =>
      bench.withFreshToken(async ({ provider }) => {
        const controller = new AbortController()
        await provider.random(8, controller)
        controller.abort()
        await provider.random(8, op)
      }),
  }
}

function slowest(claims: Claims): readonly [KeyAlgorithm, SignatureAlgorithm] | undefined {
  const candidates = [
    ['RSA-3072', 'PS256'],
    ['RSA-3072', 'RS256'],
    ['P-256', 'ES256'],
  ] as const
  return candidates.find(([key, algorithm]) => claims.signs(algorithm) && claims.custodies(key, 'sign').length > 0)
}
