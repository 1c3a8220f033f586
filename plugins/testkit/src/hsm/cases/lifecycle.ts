import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { contractMajor, WarderError, type KeyProvider } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { quietHost } from '../../host.ts'
import { assertRefused } from '../assertions.ts'
import { nobody, op, spec, type Bench } from '../bench.ts'
import { newPair, spkiOf } from '../independent.ts'

export function lifecycleCases<Config>(bench: Bench<Config>): CaseTable {
  const { plugin } = bench.subject
  return {
    'the plugin is labelled as the contract asks': async () => {
      assert.equal(plugin.kind, 'hsm')
      assert.match(plugin.name, /^[a-z][a-z0-9-]*$/)
      assert.match(plugin.version, /^\d+\.\d+\.\d+/)
      assert.equal(plugin.contract, contractMajor)
      assert.equal(plugin.config['~standard'].version, 1)
      for (const flag of ['resident', 'sealed'] as const) assert.equal(typeof plugin.supports[flag], 'boolean', flag)
    },

    'the configuration schema takes what opens and refuses unknown keys': () =>
      bench.withPlace(async place => {
        const { validate } = plugin.config['~standard']
        assert.equal((await validate(place.config)).issues, undefined)
        assert.ok((await validate({ ...place.config, 'no-such-key': 1 })).issues, 'an unknown key is refused')
        assert.ok((await validate(undefined)).issues, 'a missing configuration is refused')
      }),

    'health is ok while the provider is open and never throws after': () =>
      bench.withPlace(async place => {
        const provider = await bench.open(place)
        const open = await provider.health(op)
        assert.equal(open.ok, true, open.detail)
        assert.equal(typeof open.detail, 'string')
        await provider[Symbol.asyncDispose]()
        assert.equal((await provider.health(op)).ok, false)
      }),

    'open with an aborted signal rejects and leaves the token free': () =>
      bench.withPlace(async place => {
        await assertRefused(plugin.open(place.config, quietHost(), { signal: AbortSignal.abort() }), 'cancelled')
        await bench.withToken(place, async ({ provider }) => provider.random(1, op))
      }),

    'closing twice is closing once, and calls under way settle': () =>
      bench.withPlace(async place => {
        const provider = await bench.open(place)
        const underWay = Promise.allSettled(Array.from({ length: 20 }, () => provider.random(32, op)))
        await Promise.all([provider[Symbol.asyncDispose](), provider[Symbol.asyncDispose]()])
        await provider[Symbol.asyncDispose]()
        for (const outcome of await underWay) {
          if (outcome.status === 'fulfilled') assert.equal(outcome.value.length, 32)
          else assert.ok(WarderError.is(outcome.reason, 'hsm-unavailable'), `got ${String(outcome.reason)}`)
        }
        await bench.withToken(place, async again => again.provider.random(1, op))
      }),

    'a closed provider refuses every call with hsm-unavailable': () =>
      bench.withPlace(async place => {
        const provider = await bench.open(place)
        await provider[Symbol.asyncDispose]()
        for (const [name, call] of everyCall(provider)) await assertRefused(call(), 'hsm-unavailable', name)
      }),
  }
}

function everyCall(provider: KeyProvider): readonly (readonly [string, () => Promise<unknown>])[] {
  const bytes = randomBytes(32)
  const aes = nobody('AES-256', 'encrypt')
  const sealed = { usage: 'sign', custody: 'sealed', exportable: true, rootKey: 1, blob: randomBytes(80) } as const
  const pair = { ...sealed, algorithm: 'P-256' } as const
  const under = { ...sealed, algorithm: 'RSA-4096', usage: 'import', exportable: false } as const
  const peer = spkiOf(newPair('P-256').publicKey)
  const recipient = spkiOf(newPair('RSA-2048').publicKey)
  const request = { under, oaep: 'RSA-OAEP', wrapped: randomBytes(552), spec: spec('AES-256', 'encrypt') } as const
  return [
    ['capabilities', () => provider.capabilities(op)],
    ['generate', () => provider.generate(spec('P-256', 'sign'), op)],
    ['locate', () => provider.locate(nobody('P-256', 'sign'), op)],
    ['sign', () => provider.sign(nobody('P-256', 'sign'), 'ES256', bytes, op)],
    ['encrypt', () => provider.encrypt(aes, bytes, bytes, op)],
    [
      'decrypt',
      () => provider.decrypt(aes, { algorithm: 'A256GCM', iv: randomBytes(12), ciphertext: bytes, aad: bytes }, op),
    ],
    ['mac', () => provider.mac(nobody('HMAC-SHA-256', 'mac'), bytes, op)],
    ['wrap', () => provider.wrap(nobody('AES-256', 'wrap'), bytes, op)],
    ['unwrap', () => provider.unwrap(nobody('AES-256', 'wrap'), randomBytes(40), op)],
    ['derive', () => provider.derive(nobody('P-256', 'derive'), peer, op)],
    ['random', () => provider.random(1, op)],
    ['importKey', () => provider.importKey(request, op)],
    ['exportKey', () => provider.exportKey(pair, recipient, 'RSA-OAEP', op)],
    ['newestRootKey', () => provider.newestRootKey(op)],
    ['createRootKey', () => provider.createRootKey(op)],
    ['rewrap', () => provider.rewrap(pair, op)],
    ['sealStoreSecret', () => provider.sealStoreSecret(bytes, op)],
    ['openStoreSecret', () => provider.openStoreSecret(bytes, op)],
    ...(provider.forget === undefined ? [] : [['forget', async () => provider.forget?.(pair, op)] as const]),
    ['destroy', () => provider.destroy(nobody('P-256', 'sign'), op)],
  ]
}
