import assert from 'node:assert/strict'
import {
  keyAlgorithms,
  keyUsages,
  usagesOf,
  type Custody,
  type GeneratedKey,
  type KeyAlgorithm,
  type KeySpec,
} from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertLength, assertRefused, assertTurnedAway, assertTypeError, assertUnsupported } from '../assertions.ts'
import { custodies, newId, op, residentRef, spec, type Bench } from '../bench.ts'
import { algorithmOf, publicKey, secretBytes } from '../independent.ts'

export function generateCases<Config>(bench: Bench<Config>): CaseTable {
  const each = custodies.flatMap(custody =>
    keyAlgorithms.map(
      algorithm =>
        [
          `${custody} ${algorithm} keys are made for each usage, or refused`,
          () => generateEach(bench, custody, algorithm),
        ] as const,
    ),
  )
  return {
    ...Object.fromEntries(each),

    'a usage the algorithm is not for is refused': () =>
      bench.withFreshToken(async ({ provider }) => {
        for (const algorithm of ['P-256', 'Ed25519', 'AES-256', 'HMAC-SHA-256'] as const) {
          const others = [...keyUsages, 'import' as const].filter(
            usage => !(usagesOf[algorithm] as readonly string[]).includes(usage),
          )
          for (const usage of others) {
            await assertTurnedAway(provider.generate(spec(algorithm, usage), op), `${algorithm} for ${usage}`)
          }
        }
      }),

    'a resident key cannot be exportable': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        for (const [algorithm, usage] of [
          ['P-256', 'sign'],
          ['AES-256', 'encrypt'],
        ] as const) {
          if (!claims.makes('resident', algorithm, usage)) continue
          const wanted = spec(algorithm, usage, { custody: 'resident', exportable: true })
          await assertTurnedAway(provider.generate(wanted, op), algorithm)
          const left = await provider.locate({ custody: 'resident', algorithm, usage, id: wanted.id }, op)
          assert.equal(left, undefined, 'nothing was made')
        }
      }),

    'an id that is not 32 lower-case hexadecimal digits is refused with a TypeError': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const custody = claims.custodies('P-256', 'sign')[0] ?? 'resident'
        for (const id of ['', 'a', newId().slice(1), `${newId()}0`, 'A'.repeat(32), `${'0'.repeat(31)}g`]) {
          await assertTypeError(provider.generate(spec('P-256', 'sign', { custody, id }), op), `id "${id}"`)
        }
      }),

    'an id that the token has already is refused with key-exists, and its key stays': () =>
      bench.withFreshToken(async ({ provider, claims }) => {
        const made = (['P-256', 'AES-256', 'RSA-2048'] as const).find(algorithm =>
          claims.makes('resident', algorithm, usagesOf[algorithm][0]),
        )
        if (made === undefined) return
        const wanted = spec(made, usagesOf[made][0], { custody: 'resident' })
        const first = await provider.generate(wanted, op)
        await assertRefused(provider.generate(wanted, op), 'key-exists')
        assert.deepEqual(halves(await provider.locate(residentRef(first), op)), halves(first))
      }),
  }
}

async function generateEach<Config>(bench: Bench<Config>, custody: Custody, algorithm: KeyAlgorithm): Promise<void> {
  await bench.withFreshToken(async ({ provider, claims }) => {
    for (const usage of usagesOf[algorithm]) {
      // RSA keys take their time: that they can be exportable is tried with one usage
      const exportables = custody === 'sealed' && usage === usagesOf[algorithm][0] ? [false, true] : [false]
      for (const exportable of exportables) {
        const wanted = spec(algorithm, usage, { custody, exportable })
        const what = `${custody} ${algorithm} for ${usage}`
        if (!claims.makes(custody, algorithm, usage)) {
          await assertUnsupported(provider.generate(wanted, op), what)
          if (custody === 'sealed') continue
          const left = await provider.locate({ custody, algorithm, usage, id: wanted.id }, op).catch(() => undefined)
          assert.equal(left, undefined, `${what}: nothing was made`)
          continue
        }
        const made = await provider.generate(wanted, op)
        assertWellFormed(made, wanted)
        if (made.ref.custody === 'sealed') {
          assert.equal(made.ref.rootKey, await provider.newestRootKey(op), 'sealed under the newest root key')
        } else {
          assert.deepEqual(halves(await provider.locate(made.ref, op)), halves(made), `${what} as the token has it`)
        }
      }
    }
  })
}

/** Exactly what the contract says and not a member more: there is no place for a private byte. */
export function assertWellFormed(made: GeneratedKey, wanted: KeySpec): void {
  const { algorithm, usage, custody, exportable, id } = wanted
  const secret = secretBytes(algorithm)
  assert.deepEqual(Object.keys(made).toSorted(), secret === undefined ? ['ref', 'spki'] : ['checkValue', 'ref'])
  if (made.ref.custody === 'sealed') {
    const { blob, rootKey, ...rest } = made.ref
    assert.deepEqual(rest, { custody, algorithm, usage, exportable })
    assert.ok(Number.isInteger(rootKey) && rootKey >= 1, 'root keys are numbered from 1')
    assert.ok(blob instanceof Uint8Array && blob.length % 8 === 0, 'a blob is AES key wrap: a multiple of 8 bytes')
    // RFC 5649 section 3: 8 bytes more than the key, padded
    if (secret !== undefined) assert.equal(blob.length, Math.ceil(secret / 8) * 8 + 8)
  } else {
    const { token, ...rest } = made.ref
    assert.deepEqual(rest, { custody, algorithm, usage, id })
    // a serial number of PKCS#11: at most 16 characters
    assert.ok(token === undefined || /^[\x20-\x7e]{1,16}$/.test(token), 'a key says which token has it, or does not')
  }
  if (secret === undefined) assert.equal(algorithmOf(publicKey(made.spki ?? new Uint8Array())), algorithm)
  else assertLength(made.checkValue, 8, 'a check value')
}

/** The public members, to compare. */
export function halves(key: Omit<GeneratedKey, 'ref'> | undefined): Readonly<Record<string, string>> | undefined {
  if (key === undefined) return undefined
  const { spki, checkValue } = key
  return {
    ...(spki && { spki: Buffer.from(spki).toString('hex') }),
    ...(checkValue && { checkValue: Buffer.from(checkValue).toString('hex') }),
  }
}
