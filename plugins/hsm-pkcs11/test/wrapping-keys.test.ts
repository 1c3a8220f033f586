import { randomBytes } from 'node:crypto'
import type { SealedRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { inspect } from '../src/inspect.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { inAnotherProcess } from './another-process.ts'
import {
  expectSigns,
  newId,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  specOf,
  temporaryDirectory,
  withProvider,
} from './support.ts'

describe('root keys that wrap', function () {
  this.timeout(60_000)
  let directory: string
  let config: Config

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  afterEach(() => removeDirectory(directory))

  it('are made in all kinds at once, under the next number', async () => {
    await withProvider(config, async provider => expect(await provider.createRootKey(op)).to.equal(2))
    const labels = (await inspect(config)).objects.map(({ label }) => label)
    expect(labels).to.deep.equal([
      'warder/export-kek/1',
      'warder/export-kek/2',
      'warder/import-kek/1',
      'warder/import-kek/2',
      'warder/kek/1',
      'warder/kek/2',
      'warder/store/1',
    ])
  })

  it('of another process are found when a blob names one, and when asked for the newest', async () => {
    await withProvider(config, async provider => {
      const old = await sealedKey(provider)
      await inAnotherProcess(config, { createRootKey: true })
      // not looked for at every key that is made
      expect(((await sealedKey(provider)).ref as SealedRef).rootKey).to.equal(1)
      // but where this would otherwise wrap under the same root key again
      const moved = await provider.rewrap(old.ref as SealedRef, op)
      expect(moved.rootKey).to.equal(2)
      await expectSigns(provider, { ...old, ref: moved })
      await expectSigns(provider, old)
      expect(await inAnotherProcess(config, { createRootKey: true })).to.equal('3')
      expect(await provider.newestRootKey(op)).to.equal(3)
      expect(((await sealedKey(provider)).ref as SealedRef).rootKey).to.equal(3)
    })
  })

  it('are looked for once when a blob names one that nobody has', async () => {
    await withProvider({ ...config, sessions: { max: 1 } }, async provider => {
      const key = await sealedKey(provider)
      const error = await refusal(provider.sign({ ...key.ref, rootKey: 7 } as SealedRef, 'ES256', randomBytes(32), op))
      expect([error.code, error.facts]).to.deep.equal(['hsm-failed', { reason: 'sealed-key-rejected' }])
      await expectSigns(provider, key)
    })
  })

  it('keep the kinds apart: a key that imports others opens nothing else, whatever is claimed of it', async () => {
    await withProvider({ ...config, sessions: { max: 1 } }, async provider => {
      const { ref } = await provider.generate(specOf({ algorithm: 'RSA-4096', usage: 'import' }), op)
      const oaep = { algorithm: 'RSA-OAEP', ciphertext: randomBytes(512) } as const
      for (const exportable of [false, true]) {
        const lie = { ...ref, usage: 'encrypt', exportable } as SealedRef
        const error = await refusal(provider.decrypt(lie, oaep, op))
        expect([error.code, error.facts]).to.deep.equal(['hsm-failed', { reason: 'sealed-key-rejected' }])
      }
      // nor is a tenant's key one that imports
      const tenant = await provider.generate(specOf({ algorithm: 'RSA-4096', usage: 'encrypt' }), op)
      const under = { ...tenant.ref, usage: 'import' } as SealedRef
      const request = {
        under,
        oaep: 'RSA-OAEP',
        wrapped: randomBytes(552),
        spec: specOf({ algorithm: 'AES-256' }),
      } as const
      expect((await refusal(provider.importKey(request, op))).facts).to.deep.equal({ reason: 'sealed-key-rejected' })
    })
  })

  it('lesson: a resident secret key is found whichever process made it, and known again by its check value', async () => {
    await withProvider(config, async provider => {
      const id = newId()
      const checkValue = await inAnotherProcess(config, { generateMac: id })
      const ref = { custody: 'resident', algorithm: 'HMAC-SHA-256', usage: 'mac', id } as const
      const located = await provider.locate(ref, op)
      expect(Buffer.from(located?.checkValue ?? []).toString('base64')).to.equal(checkValue)
      const mac = await provider.mac(ref, Buffer.from('x'), op)
      expect(mac).to.have.length(32)
      await inAnotherProcess(config, { destroy: id })
      await inAnotherProcess(config, { generateMac: id })
      const error = await refusal(provider.mac(ref, Buffer.from('x'), op))
      expect([error.code, error.facts['reason']]).to.deep.equal(['hsm-key-missing', 'another key has this id'])
    })
  })
})
