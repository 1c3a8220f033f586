import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { KeyAlgorithm, KeyProvider, KeyPurpose, KeyRef, SealedRef } from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertRefused } from '../assertions.ts'
import { custodies, op, residentRef, spec, type Bench } from '../bench.ts'
import type { Claims } from '../claims.ts'
import { newPair, spkiOf } from '../independent.ts'

const keys: readonly (readonly [KeyAlgorithm, KeyPurpose])[] = [
  ['P-256', 'sign'],
  ['P-256', 'derive'],
  ['RSA-2048', 'sign'],
  ['RSA-2048', 'encrypt'],
  ['AES-256', 'encrypt'],
  ['AES-256', 'wrap'],
  ['HMAC-SHA-256', 'mac'],
  ['RSA-4096', 'import'],
]

export function usageCases<Config>(bench: Bench<Config>): CaseTable {
  return {
    'a key does what it was made for, and every other command refuses it with usage-not-allowed': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const commands = commandsOf(provider, claims)
        for (const custody of custodies) {
          for (const [algorithm, usage] of keys) {
            if (!claims.makes(custody, algorithm, usage)) continue
            const { ref } = await provider.generate(spec(algorithm, usage, { custody }), op)
            for (const { name, of, call } of commands) {
              if (of === usage) continue
              await assertRefused(call(ref), 'usage-not-allowed', `${name} with a ${custody} ${algorithm} ${usage} key`)
            }
          }
        }
      }),

    'a resident key is used as the token has it, whatever its reference claims': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const pairs = [
          ['P-256', 'sign', 'derive'],
          ['P-256', 'derive', 'sign'],
          ['RSA-2048', 'encrypt', 'sign'],
          ['AES-256', 'encrypt', 'wrap'],
          ['AES-256', 'wrap', 'encrypt'],
        ] as const
        const commands = commandsOf(provider, claims)
        for (const [algorithm, usage, claimed] of pairs) {
          if (!claims.makes('resident', algorithm, usage)) continue
          const made = await provider.generate(spec(algorithm, usage, { custody: 'resident' }), op)
          const lie = { ...residentRef(made), usage: claimed }
          for (const { name, of, call } of commands.filter(each => each.of === claimed && each.takes(algorithm))) {
            await assertRefused(call(lie), 'usage-not-allowed', `${name} (${of}) with a ${algorithm} ${usage} key`)
          }
        }
      }),

    'an import key cannot be put on the token, nor be of another algorithm': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        if (!claims.imports) return
        const lie = spec('RSA-4096', 'import', { custody: 'resident' })
        await provider.generate(lie, op).then(
          () => assert.fail('a resident import key was made'),
          () => undefined,
        )
        await provider.generate(spec('P-256', 'import'), op).then(
          () => assert.fail('a P-256 import key was made'),
          () => undefined,
        )
      }),
  }
}

interface Command {
  readonly name: string
  readonly of: KeyPurpose
  /** Whether its arguments here suit such a key. */
  takes(algorithm: KeyAlgorithm): boolean
  call(ref: KeyRef): Promise<unknown>
}

/** Those that the token can do at all: what it cannot do it may refuse for that reason first. */
function commandsOf(provider: KeyProvider, claims: Claims): readonly Command[] {
  const bytes = randomBytes(32)
  const peer = spkiOf(newPair('P-256').publicKey)
  const gcm = { algorithm: 'A256GCM', iv: randomBytes(12), ciphertext: randomBytes(48), aad: bytes } as const
  const is = (wanted: KeyAlgorithm) => (algorithm: KeyAlgorithm) => algorithm === wanted
  const { oaep } = claims
  const all: readonly (Command & { readonly possible: boolean })[] = [
    {
      name: 'sign',
      of: 'sign',
      takes: is('P-256'),
      possible: claims.signs('ES256'),
      call: ref => provider.sign(ref, 'ES256', bytes, op),
    },
    {
      name: 'sign',
      of: 'sign',
      takes: is('RSA-2048'),
      possible: claims.signs('PS256'),
      call: ref => provider.sign(ref, 'PS256', bytes, op),
    },
    {
      name: 'encrypt',
      of: 'encrypt',
      takes: is('AES-256'),
      possible: claims.opens('A256GCM'),
      call: ref => provider.encrypt(ref, bytes, bytes, op),
    },
    {
      name: 'decrypt (GCM)',
      of: 'encrypt',
      takes: is('AES-256'),
      possible: claims.opens('A256GCM'),
      call: ref => provider.decrypt(ref, gcm, op),
    },
    {
      name: 'decrypt (OAEP)',
      of: 'encrypt',
      takes: is('RSA-2048'),
      possible: oaep !== undefined,
      call: ref => provider.decrypt(ref, { algorithm: oaep ?? 'RSA-OAEP', ciphertext: randomBytes(256) }, op),
    },
    {
      name: 'mac',
      of: 'mac',
      takes: is('HMAC-SHA-256'),
      possible: claims.custodies('HMAC-SHA-256', 'mac').length > 0,
      call: ref => provider.mac(ref, bytes, op),
    },
    {
      name: 'wrap',
      of: 'wrap',
      takes: is('AES-256'),
      possible: claims.custodies('AES-256', 'wrap').length > 0,
      call: ref => provider.wrap(ref, bytes, op),
    },
    {
      name: 'unwrap',
      of: 'wrap',
      takes: is('AES-256'),
      possible: claims.custodies('AES-256', 'wrap').length > 0,
      call: ref => provider.unwrap(ref, randomBytes(48), op),
    },
    {
      name: 'derive',
      of: 'derive',
      takes: is('P-256'),
      possible: claims.custodies('P-256', 'derive').length > 0,
      call: ref => provider.derive(ref, peer, op),
    },
    {
      name: 'importKey',
      of: 'import',
      takes: is('RSA-4096'),
      possible: claims.imports,
      call: ref =>
        provider.importKey(
          {
            // a caller in JavaScript can name any key here
            under: ref as SealedRef,
            oaep: oaep ?? 'RSA-OAEP',
            wrapped: randomBytes(552),
            spec: spec('AES-256', 'encrypt'),
          },
          op,
        ),
    },
  ]
  return all.filter(({ possible }) => possible)
}
