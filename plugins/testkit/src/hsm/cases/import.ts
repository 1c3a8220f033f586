import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import {
  keyAlgorithms,
  usagesOf,
  type KeyAlgorithm,
  type KeyProvider,
  type KeyRef,
  type KeyUsage,
  type WrappedImport,
} from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { assertBytes, assertRefused, assertTurnedAway, assertUniform, assertUnsupported } from '../assertions.ts'
import { custodies, flipped, newId, op, sealedRef, spec, type Token } from '../bench.ts'
import type { Claims } from '../claims.ts'
import type { Entrances } from '../importing.ts'
import {
  agree,
  checkValue,
  gcmOpen,
  hmac,
  knownKey,
  negated,
  newPair,
  oaepSeal,
  publicKey,
  signers,
  signInput,
  spkiOf,
  unwrapPad,
  verifies,
  wrapForImport,
  wrapPad,
  type KnownKey,
  type MacAlgorithm,
} from '../independent.ts'
import { assertWellFormed, halves } from './generate.ts'

export function importCases<Config>(entrances: Entrances<Config>): CaseTable {
  return {
    'keys of every algorithm are brought in, for each custody and usage, and are the keys they were': entrances.case(
      async (token, door) => {
        const { provider, claims } = token
        if (door === undefined) {
          await assertUnsupported(provider.generate(spec('RSA-4096', 'import'), op), 'an import key')
          return
        }
        for (const algorithm of keyAlgorithms) {
          const known = knownKey(algorithm)
          for (const usage of usagesOf[algorithm]) {
            for (const custody of custodies.filter(each => claims.takes(each, algorithm, usage))) {
              const request = door.request(known, { usage, custody })
              const made = await provider.importKey(request, op)
              const what = `an imported ${custody} ${algorithm} ${usage} key`
              assertWellFormed(made, request.spec)
              if (known.spki) assertBytes(made.spki ?? new Uint8Array(), known.spki, `the SPKI of ${what}`)
              else
                assertBytes(made.checkValue ?? new Uint8Array(), checkValue(known, usage), `the check value of ${what}`)
              await assertIsKey(token, made.ref, known, usage, what)
              if (made.ref.custody === 'resident') {
                assert.deepEqual(halves(await provider.locate(made.ref, op)), halves(made), what)
                await provider.destroy(made.ref, op)
              }
            }
          }
        }
      },
    ),

    'a key that cannot be made here, or not be sealed, is taken or refused for want of a mechanism': entrances.case(
      async (token, door) => {
        if (door === undefined) return
        for (const algorithm of keyAlgorithms) {
          for (const usage of usagesOf[algorithm]) {
            for (const custody of custodies.filter(each => !token.claims.takes(each, algorithm, usage))) {
              const request = door.request(knownKey(algorithm), { usage, custody })
              const what = `${custody} ${algorithm} for ${usage}`
              if (!token.claims.makes(custody, algorithm, usage)) {
                await assertUnsupported(token.provider.importKey(request, op), what)
                continue
              }
              const taking = token.provider.importKey(request, op)
              const taken = await taking.catch(() => undefined)
              if (taken === undefined) await assertUnsupported(taking, what)
              else assertWellFormed(taken, request.spec)
            }
          }
        }
      },
    ),

    'a resident id that the token has already is refused with key-exists': entrances.case(async (token, door) => {
      if (door === undefined || !token.claims.makes('resident', 'AES-256', 'encrypt')) return
      const id = newId()
      const rest = { usage: 'encrypt', custody: 'resident', id } as const
      const first = await door.bring(knownKey('AES-256'), rest)
      await assertRefused(door.bring(knownKey('AES-256'), rest), 'key-exists')
      const ref = { algorithm: 'AES-256', ...rest } as const
      assert.deepEqual(halves(await token.provider.locate(ref, op)), halves(first))
    }),

    'a private key that comes without its public half, or exportable and resident, is refused': entrances.case(
      async (token, door) => {
        const custody = custodies.find(each => token.claims.takes(each, 'P-256', 'sign'))
        if (door === undefined || custody === undefined) return
        const { algorithm, bytes } = knownKey('P-256')
        const request = door.request({ algorithm, bytes }, { usage: 'sign', custody })
        await assertTurnedAway(token.provider.importKey(request, op), 'no SPKI')
        const both = door.bring(knownKey('P-256'), { usage: 'sign', custody: 'resident', exportable: true })
        await assertTurnedAway(both, 'exportable and resident')
      },
    ),

    'whatever is wrong with an import, the answer is the same, nothing is made, and the next is taken': entrances.case(
      async (token, door) => {
        const { provider, claims } = token
        const custody = custodies.find(each => claims.takes(each, 'P-256', 'sign'))
        if (door === undefined || custody === undefined) return
        const { oaep, spki } = door
        const known = knownKey('P-256')
        const good = door.request(known, { usage: 'sign', custody })
        const made: WrappedImport[] = []
        const send = (change: Partial<WrappedImport>) => (): Promise<unknown> => {
          const request = { ...good, spec: { ...good.spec, id: newId() }, ...change }
          made.push(request)
          return provider.importKey(request, op)
        }
        const whole = good.wrapped
        // every byte of the wrapped key, and some of the RSA ciphertext in front of it
        const places = Array.from(whole.keys()).filter(at => at >= 512 || at % 64 === 0)
        const content = (bytes: Uint8Array) => send({ wrapped: wrapForImport(spki, oaep, bytes) })
        const transport = randomBytes(32)
        const { spki: otherSpki = new Uint8Array(), bytes: otherBytes } = knownKey('P-256')
        await assertUniform(
          [
            ...places.map(at => [`byte ${at} flipped`, send({ wrapped: flipped(whole, at) })] as const),
            ...[0, 1, 511, 512, 513, 520, 528].map(
              length => [`the first ${length} bytes`, send({ wrapped: whole.subarray(0, length) })] as const,
            ),
            ['a block less', send({ wrapped: whole.subarray(0, -8) })],
            ['a block more', send({ wrapped: Buffer.concat([whole, Buffer.alloc(8)]) })],
            ['random bytes', send({ wrapped: randomBytes(whole.length) })],
            [
              'a transport key of 16 bytes',
              send({
                wrapped: wrapForImport(spki, oaep, known.bytes, transport).fill(
                  oaepSeal(spki, oaep, transport.subarray(16)),
                  0,
                  512,
                ),
              }),
            ],
            [
              'another transport key',
              send({
                wrapped: Buffer.concat([oaepSeal(spki, oaep, randomBytes(32)), wrapPad(transport, known.bytes)]),
              }),
            ],
            ['no key inside', content(randomBytes(known.bytes.length))],
            ['PKCS#8 cut short', content(known.bytes.subarray(0, -8))],
            ['a key of another curve', content(knownKey('P-384').bytes)],
            ['a key of another kind', content(knownKey('RSA-2048').bytes)],
            ['the bytes of a secret key', content(randomBytes(32))],
            ['another key than its public half', send({ spki: otherSpki })],
            ['another public half than its key', content(otherBytes)],
            ['a public half of another curve', send({ spki: spkiOf(newPair('P-384').publicKey) })],
            ['a public half of another kind', send({ spki: spkiOf(newPair('RSA-2048').publicKey) })],
          ],
          'decryption-failed',
          async () => {},
        )
        for (const { spec: wanted } of made) {
          const { algorithm, usage, id } = wanted
          if (wanted.custody !== 'resident') continue
          const left = await provider.locate({ custody: 'resident', algorithm, usage, id }, op)
          assert.equal(left, undefined, 'nothing was made')
        }
        const { ref } = await provider.importKey(good, op)
        await assertIsKey(token, ref, known, 'sign', 'the next key')
        assert.equal((await provider.health(op)).ok, true, 'bad input does not break the token')
      },
    ),

    'the other key with the same agreements is told from the one that is brought, where the token can sign':
      entrances.case(async (token, door) => {
        const { provider, claims } = token
        if (door === undefined) return
        const attempts: (readonly [string, () => Promise<unknown>])[] = []
        for (const algorithm of ['P-256', 'P-384', 'P-521'] as const) {
          const known = knownKey(algorithm)
          for (const custody of custodies.filter(each => claims.takes(each, algorithm, 'derive'))) {
            if (!claims.makes('sealed', algorithm, 'sign')) continue
            const request = door.request(known, { usage: 'derive', custody })
            const spki = negated(request.spki ?? new Uint8Array())
            attempts.push([`${custody} ${algorithm}`, () => provider.importKey({ ...request, spki }, op)])
          }
        }
        await assertUniform(attempts, 'decryption-failed', async () => {})
      }),

    'a key of another size than it is named with is refused like any bad import': entrances.case(
      async (token, door) => {
        if (door === undefined) return
        const { oaep, spki } = door
        const attempts: (readonly [string, () => Promise<unknown>])[] = []
        const attempt = (algorithm: KeyAlgorithm, usage: KeyUsage, wrong: Uint8Array, outside?: Uint8Array): void => {
          const custody = custodies.find(each => token.claims.takes(each, algorithm, usage))
          if (custody === undefined) return
          const request = {
            ...door.request({ algorithm, bytes: wrong, ...(outside && { spki: outside }) }, { usage, custody }),
            wrapped: wrapForImport(spki, oaep, wrong),
          }
          attempts.push([`${algorithm} of ${wrong.length} bytes`, () => token.provider.importKey(request, op)])
        }
        for (const size of [1, 8, 16, 24, 31, 33, 40]) attempt('AES-256', 'encrypt', randomBytes(size))
        for (const size of [1, 16, 31, 33, 48]) attempt('HMAC-SHA-256', 'mac', randomBytes(size))
        for (const size of [32, 47, 64]) attempt('HMAC-SHA-384', 'mac', randomBytes(size))
        const small = knownKey('RSA-2048')
        attempt('RSA-3072', 'sign', small.bytes, small.spki)
        attempt('RSA-3072', 'encrypt', small.bytes, small.spki)
        await assertUniform(attempts, 'decryption-failed', async () => {})
      },
    ),

    'the parts of two good imports make no third': entrances.case(async (token, door) => {
      if (door === undefined || !token.claims.makes('sealed', 'AES-256', 'encrypt')) return
      const one = door.request(knownKey('AES-256'), { usage: 'encrypt' })
      const other = door.request(knownKey('AES-256'), { usage: 'encrypt' })
      const wrapped = Buffer.concat([one.wrapped.subarray(0, 512), other.wrapped.subarray(512)])
      await assertRefused(token.provider.importKey({ ...one, wrapped }, op), 'decryption-failed')
      const under = { ...one.under, blob: flipped(one.under.blob, 3) }
      await assertTurnedAway(token.provider.importKey({ ...one, under }, op), 'an import key that was tampered with')
      sealedRef(await token.provider.importKey(one, op))
    }),
  }
}

/** That the key on the token does what the known key does outside. */
async function assertIsKey(
  { provider, claims }: Token,
  ref: KeyRef,
  known: KnownKey,
  usage: KeyUsage,
  what: string,
): Promise<void> {
  const spki = known.spki ?? new Uint8Array()
  const data = randomBytes(40)
  if (usage === 'sign') await assertSigns(provider, claims, ref, spki, what)
  if (usage === 'mac') {
    const wanted = hmac(known.algorithm as MacAlgorithm, known.bytes, data)
    assertBytes(await provider.mac(ref, data, op), wanted, what)
  }
  if (usage === 'wrap') {
    const content = unwrapPad(known.bytes, await provider.wrap(ref, data, op))
    assertBytes(content.subarray(4, 4 + data.length), data, what)
  }
  if (usage === 'derive') {
    const peer = newPair(known.algorithm)
    const secret = await provider.derive(ref, spkiOf(peer.publicKey), op)
    assertBytes(secret, agree(privateKeyOf(known), spkiOf(peer.publicKey)), what)
  }
  if (usage === 'encrypt' && known.algorithm === 'AES-256') {
    const { iv, ciphertext } = await provider.encrypt(ref, data, data, op)
    assertBytes(gcmOpen(known.bytes, iv, data, ciphertext), data, what)
  }
  const { oaep } = claims
  if (usage === 'encrypt' && known.algorithm !== 'AES-256' && oaep !== undefined) {
    const ciphertext = oaepSeal(spki, oaep, data)
    assertBytes(await provider.decrypt(ref, { algorithm: oaep, ciphertext }, op), data, what)
  }
}

async function assertSigns(
  provider: KeyProvider,
  claims: Claims,
  ref: KeyRef,
  spki: Uint8Array,
  what: string,
): Promise<void> {
  const algorithm = claims.published.sign.find(each => signers[each].includes(ref.algorithm))
  assert.ok(algorithm !== undefined && publicKey(spki))
  const message = randomBytes(40)
  const signature = await provider.sign(ref, algorithm, signInput(algorithm, message), op)
  assert.ok(verifies(spki, algorithm, message, signature), `${what} signs as another key`)
}

function privateKeyOf({ bytes }: KnownKey): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' })
}
