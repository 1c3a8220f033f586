import type { KeyProvider } from '@warder/contract'
import { expect } from 'chai'
import { inspect } from '../src/inspect.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { expectSigns, op, refusal, removeDirectory, temporaryDirectory, withProvider, specOf } from './support.ts'

const rootLabels = ['warder/export-kek/1', 'warder/import-kek/1', 'warder/kek/1', 'warder/store/1']

describe('capabilities', () => {
  let directory: string

  beforeEach(async () => {
    directory = await temporaryDirectory()
  })
  afterEach(() => removeDirectory(directory))

  const unsupported = async (provider: KeyProvider, algorithm: 'Ed25519' | 'P-256', custody: 'resident' | 'sealed') => {
    const { code, facts } = await refusal(provider.generate(specOf({ algorithm, custody }), op))
    return { code, ...facts }
  }

  it('SoftHSM makes every algorithm resident, and seals all but Ed25519', async () => {
    await withProvider(await createSoftHsmToken(directory), async provider => {
      const capabilities = await provider.capabilities(op)
      const common = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096']
      const secret = ['AES-256', 'HMAC-SHA-256', 'HMAC-SHA-384', 'HMAC-SHA-512']
      expect(capabilities.generate).to.deep.equal({
        resident: [...common, 'Ed25519', ...secret],
        sealed: [...common, ...secret],
      })
      expect(capabilities.usages).to.deep.equal(['sign', 'encrypt', 'wrap', 'mac', 'derive'])
      expect(capabilities.sign).to.have.length(10)
      // of OAEP it takes SHA-1 alone, though its list of mechanisms does not say so
      expect(capabilities.encrypt).to.deep.equal(['A256GCM', 'RSA-OAEP'])
      expect(capabilities.mechanisms).to.include.members(['CKM_AES_KEY_WRAP_PAD', 'CKM_EC_KEY_PAIR_GEN', 'CKM_EDDSA'])
      expect(capabilities.mechanisms).to.deep.equal(capabilities.mechanisms.toSorted())
      expect(capabilities.token).to.include({ label: 'warder', model: 'SoftHSM v2' })
      expect(await unsupported(provider, 'Ed25519', 'sealed')).to.deep.equal({
        code: 'unsupported-mechanism',
        mechanism: 'CKM_AES_KEY_WRAP_PAD',
        algorithm: 'Ed25519',
        custody: 'sealed',
      })
    })
  })

  it('a missing mechanism is named when a key is made, and nothing is made', async () => {
    const config = await createSoftHsmToken(directory, { mechanisms: '-CKM_EDDSA,CKM_RSA_PKCS_PSS' })
    await withProvider(config, async provider => {
      expect(await unsupported(provider, 'Ed25519', 'resident')).to.deep.equal({
        code: 'unsupported-mechanism',
        mechanism: 'CKM_EDDSA',
        algorithm: 'Ed25519',
        custody: 'resident',
      })
      const key = await provider.generate(specOf({ algorithm: 'RSA-2048' }), op)
      const error = await refusal(provider.sign(key.ref, 'PS256', Buffer.alloc(32), op))
      expect([error.code, error.facts]).to.deep.equal([
        'unsupported-mechanism',
        { mechanism: 'CKM_RSA_PKCS_PSS', algorithm: 'PS256' },
      ])
      await expectSigns(provider, key, 'RS256')
    })
    const labels = (await inspect(config)).objects.map(object => object.label)
    expect(labels).to.deep.equal(rootLabels)
  })

  it('without a way to wrap there are resident keys only', async () => {
    const config = await createSoftHsmToken(directory, { mechanisms: '-CKM_AES_KEY_WRAP_PAD' })
    await withProvider(config, async provider => {
      const capabilities = await provider.capabilities(op)
      expect(capabilities.generate.sealed).to.deep.equal([])
      expect(capabilities.generate.resident).to.include('P-256')
      expect(await unsupported(provider, 'P-256', 'sealed')).to.include({ mechanism: 'CKM_AES_KEY_WRAP_PAD' })
      expect(await provider.health(op)).to.include({ ok: true })
    })
  })

  it('without EC an RSA key is tried, with whatever signature there is', async () => {
    const config = await createSoftHsmToken(directory, {
      mechanisms: '-CKM_EC_KEY_PAIR_GEN,CKM_ECDSA,CKM_RSA_PKCS_PSS',
    })
    await withProvider(config, async provider => {
      const { generate } = await provider.capabilities(op)
      expect(generate.sealed).to.include.members(['RSA-2048', 'RSA-3072', 'RSA-4096']).and.not.to.include('P-256')
      expect(await unsupported(provider, 'P-256', 'sealed')).to.include({ mechanism: 'CKM_EC_KEY_PAIR_GEN' })
    })
  })
})
