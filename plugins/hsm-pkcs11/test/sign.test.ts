import { execFile } from 'node:child_process'
import { createPublicKey, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Custody, KeyAlgorithm, KeyProvider, SignatureAlgorithm } from '@warder/contract'
import { expect } from 'chai'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import {
  expectSigns,
  host,
  inputFor,
  isValid,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  temporaryDirectory,
  thrownBy,
  specOf,
  spkiOf,
} from './support.ts'

const rsa: readonly SignatureAlgorithm[] = ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']
const table: ReadonlyArray<readonly [KeyAlgorithm, readonly SignatureAlgorithm[], readonly Custody[]]> = [
  ['P-256', ['ES256'], ['sealed', 'resident']],
  ['P-384', ['ES384'], ['sealed', 'resident']],
  ['P-521', ['ES512'], ['sealed', 'resident']],
  ['RSA-2048', rsa, ['sealed', 'resident']],
  ['RSA-3072', rsa, ['sealed', 'resident']],
  ['RSA-4096', rsa, ['sealed', 'resident']],
  ['Ed25519', ['EdDSA'], ['resident']],
]

describe('signing', function () {
  // RSA-4096 keys take seconds to make on a slow machine
  this.timeout(60_000)
  let directory: string
  let provider: KeyProvider

  before(async () => {
    directory = await temporaryDirectory()
    provider = await plugin.open(await createSoftHsmToken(directory), host, op)
  })
  after(async () => {
    await provider?.[Symbol.asyncDispose]()
    await removeDirectory(directory)
  })

  for (const [algorithm, signatures, custodies] of table) {
    for (const custody of custodies) {
      it(`a ${custody} ${algorithm} key signs ${signatures.join(', ')}, and node:crypto agrees`, async () => {
        const key = await provider.generate(specOf({ algorithm, custody }), op)
        expect(key.ref).to.include({ custody, algorithm })
        for (const signature of signatures) await expectSigns(provider, key, signature)
      })
    }
  }

  it('openssl verifies what a sealed RSA-3072 key signed', async () => {
    const key = await provider.generate(specOf({ algorithm: 'RSA-3072' }), op)
    const message = randomBytes(1000)
    const paths = ['message', 'signature', 'public.pem'].map(name => join(directory, name)) as [string, string, string]
    const pem = createPublicKey({ key: Buffer.from(spkiOf(key)), format: 'der', type: 'spki' }).export({
      type: 'spki',
      format: 'pem',
    })
    await writeFile(paths[0], message)
    await writeFile(paths[1], await provider.sign(key.ref, 'RS256', inputFor('RS256', message), op))
    await writeFile(paths[2], pem)
    const args = ['dgst', '-sha256', '-verify', paths[2], '-signature', paths[1], paths[0]]
    expect((await promisify(execFile)('openssl', args)).stdout.trim()).to.equal('Verified OK')
  })

  it('Ed25519 signs messages of any length, the empty one too', async () => {
    const key = await provider.generate(specOf({ algorithm: 'Ed25519', custody: 'resident' }), op)
    for (const length of [0, 1, 7, 8, 9, 65_536]) {
      const message = randomBytes(length)
      expect(isValid(spkiOf(key), 'EdDSA', message, await provider.sign(key.ref, 'EdDSA', message, op))).to.equal(true)
    }
  })

  it('a digest that is not exactly as long as its hash is a TypeError', async () => {
    const ec = await sealedKey(provider)
    for (const length of [0, 20, 31, 33, 48, 64]) {
      expect(await thrownBy(provider.sign(ec.ref, 'ES256', randomBytes(length), op))).to.be.instanceOf(TypeError)
    }
    const rsaKey = await provider.generate(specOf({ algorithm: 'RSA-2048' }), op)
    for (const algorithm of rsa) {
      const short = inputFor(algorithm, Buffer.from('x')).subarray(1)
      expect(await thrownBy(provider.sign(rsaKey.ref, algorithm, short, op))).to.be.instanceOf(TypeError)
    }
  })

  it('an algorithm that does not fit the key is refused, and so is a reference that claims another algorithm', async () => {
    const sealed = await sealedKey(provider)
    const resident = await provider.generate(specOf({ custody: 'resident' }), op)
    for (const key of [sealed, resident]) {
      for (const algorithm of ['ES384', 'PS256', 'RS256', 'EdDSA'] as const) {
        const error = await refusal(provider.sign(key.ref, algorithm, inputFor(algorithm, Buffer.from('x')), op))
        expect(error.code).to.equal('algorithm-mismatch')
        expect(error.facts).to.deep.equal({ algorithm, keyAlgorithm: 'P-256' })
      }
      const claimed = { ...key.ref, algorithm: 'P-384' as const }
      const error = await refusal(provider.sign(claimed, 'ES384', inputFor('ES384', Buffer.from('x')), op))
      expect(error.code).to.equal('algorithm-mismatch')
    }
  })

  it('a cancelled call is refused, and what it would have used goes on', async () => {
    const key = await sealedKey(provider)
    const signal = AbortSignal.abort()
    expect((await refusal(provider.sign(key.ref, 'ES256', randomBytes(32), { signal }))).code).to.equal('cancelled')
    await expectSigns(provider, key)
  })

  it('gives 1 to 4096 random bytes, and no other number', async () => {
    for (const length of [1, 32, 4096]) expect(await provider.random(length, op)).to.have.length(length)
    expect(await provider.random(32, op)).not.to.deep.equal(await provider.random(32, op))
    for (const length of [0, -1, 4097, 1.5, NaN]) {
      expect(await thrownBy(provider.random(length, op))).to.be.instanceOf(TypeError)
    }
  })
})
