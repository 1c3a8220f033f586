import pkcs11js from 'pkcs11js'
import type { GeneratedKey, KeyProvider, KeyRef, ResidentRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { asBoolean, findObjects, readAttributes } from '../src/objects.ts'
import { inspect } from '../src/inspect.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { residentPair } from '../src/templates.ts'
import { inAnotherProcess } from './another-process.ts'
import { withRawToken } from './raw-token.ts'
import {
  expectSigns,
  newId,
  op,
  refusal,
  removeDirectory,
  residentKey,
  temporaryDirectory,
  thrownBy,
  withProvider,
  specOf,
} from './support.ts'

describe('resident keys', () => {
  let directory: string
  let config: Config

  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  after(() => removeDirectory(directory))

  const reference = (id: string) => ({ custody: 'resident', algorithm: 'P-256', usage: 'sign', id }) as const

  it('are found again after a restart, by id', async () => {
    const key = await withProvider(config, residentKey)
    await withProvider(config, async provider => {
      expect((await provider.locate(key.ref, op))?.spki).to.deep.equal(key.spki)
      await expectSigns(provider, key)
      expect(await provider.locate(reference(newId()), op)).to.equal(undefined)
    })
  })

  it('are what they must be on the token, both halves labelled and named by the id', async () => {
    const key = await withProvider(config, residentKey)
    await withRawToken(config, (lib, session) => {
      const handles = findObjects(lib, session, [{ type: pkcs11js.CKA_ID, value: Buffer.from(key.ref.id, 'hex') }])
      expect(handles).to.have.length(2)
      for (const handle of handles) {
        const [label] = readAttributes(lib, session, handle, [pkcs11js.CKA_LABEL])
        expect(label.toString()).to.equal(`tenant/${key.ref.id}`)
      }
      const [privateKey] = findObjects(lib, session, [
        { type: pkcs11js.CKA_ID, value: Buffer.from(key.ref.id, 'hex') },
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      ])
      if (privateKey === undefined) throw new Error('no private key')
      const expected = new Map([
        [pkcs11js.CKA_TOKEN, true],
        [pkcs11js.CKA_PRIVATE, true],
        [pkcs11js.CKA_SENSITIVE, true],
        [pkcs11js.CKA_ALWAYS_SENSITIVE, true],
        [pkcs11js.CKA_EXTRACTABLE, false],
        [pkcs11js.CKA_NEVER_EXTRACTABLE, true],
        [pkcs11js.CKA_LOCAL, true],
        [pkcs11js.CKA_MODIFIABLE, false],
        [pkcs11js.CKA_SIGN, true],
        [pkcs11js.CKA_SIGN_RECOVER, false],
        [pkcs11js.CKA_DECRYPT, false],
        [pkcs11js.CKA_UNWRAP, false],
        [pkcs11js.CKA_DERIVE, false],
      ])
      const found = new Map(
        [...expected.keys()].map(type => [type, asBoolean(readAttributes(lib, session, privateKey, [type])[0])]),
      )
      expect([...found]).to.deep.equal([...expected])
      expect(() => readAttributes(lib, session, privateKey, [pkcs11js.CKA_VALUE])).to.throw('CKR_ATTRIBUTE_SENSITIVE')
    })
  })

  it('an id that is taken is refused', async () => {
    await withProvider(config, async provider => {
      const key = await residentKey(provider)
      const again = provider.generate(specOf({ custody: 'resident', id: key.ref.id }), op)
      expect((await refusal(again)).code).to.equal('key-exists')
      await expectSigns(provider, key)
    })
  })

  it('an id that is none is a TypeError', async () => {
    await withProvider(config, async provider => {
      for (const id of ['', 'A'.repeat(32), 'a'.repeat(31), `${'a'.repeat(31)}/`, '..']) {
        const calls = [
          provider.generate(specOf({ custody: 'resident', id }), op),
          provider.locate(reference(id), op),
          provider.sign(reference(id), 'ES256', Buffer.alloc(32), op),
          provider.destroy(reference(id), op),
        ]
        for (const error of await Promise.all(calls.map(thrownBy))) expect(error).to.be.instanceOf(TypeError)
      }
    })
  })

  it('no command reaches the appliance’s own keys by their id, of whatever class they are', async () => {
    const ownId = newId()
    await withRawToken(config, (lib, session) => {
      const label = { type: pkcs11js.CKA_LABEL, value: 'warder/jwt/1' }
      const { public: publicHalf, private: privateHalf } = residentPair('P-256', 'sign', ownId)
      const relabel = (template: typeof publicHalf) =>
        template.map(attribute => (attribute.type === pkcs11js.CKA_LABEL ? label : attribute))
      const mechanism = { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN }
      lib.C_GenerateKeyPair(session, mechanism, relabel(publicHalf), relabel(privateHalf))
    })
    const { objects } = await inspect(config)
    const own = objects.filter(object => object.label.startsWith('warder/'))
    expect(own.map(object => object.label)).to.deep.equal([
      'warder/export-kek/1',
      'warder/import-kek/1',
      'warder/jwt/1',
      'warder/jwt/1',
      'warder/kek/1',
      'warder/store/1',
    ])
    await withProvider(config, async provider => {
      for (const { id } of own) {
        expect(await provider.locate(reference(id), op)).to.equal(undefined)
        const error = await refusal(provider.sign(reference(id), 'ES256', Buffer.alloc(32), op))
        expect(error.code).to.equal('hsm-key-missing')
        await provider.destroy(reference(id), op)
      }
    })
    expect((await inspect(config)).objects).to.deep.equal(objects)
  })

  it('one that is not whole, or not the only one of its id, is refused and hinders no other', async () => {
    const good = await withProvider(config, residentKey)
    const [halved, mixed, doubled] = [newId(), newId(), newId()]
    await withRawToken(config, (lib, session) => {
      const make = (id: string, algorithm: 'P-256' | 'P-384' = 'P-256') => {
        const templates = residentPair(algorithm, 'sign', id)
        const mechanism = { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN }
        return lib.C_GenerateKeyPair(session, mechanism, templates.public, templates.private)
      }
      lib.C_DestroyObject(session, make(halved).publicKey)
      lib.C_DestroyObject(session, make(mixed, 'P-384').privateKey)
      lib.C_DestroyObject(session, make(mixed).publicKey)
      make(doubled)
      make(doubled)
    })
    await withProvider(config, async provider => {
      await expectSigns(provider, good)
      for (const id of [halved, mixed, doubled]) {
        const error = await refusal(provider.sign(reference(id), 'ES256', Buffer.alloc(32), op))
        expect(error.code).to.equal('hsm-key-missing')
        expect((await refusal(provider.locate(reference(id), op))).code).to.equal('hsm-key-missing')
        await provider.destroy(reference(id), op)
        expect(await provider.locate(reference(id), op)).to.equal(undefined)
      }
    })
  })

  it('are destroyed, both halves, and destroying again is success', async () => {
    const key = await withProvider(config, async provider => {
      const made = await residentKey(provider)
      await provider.destroy(made.ref, op)
      expect(await provider.locate(made.ref, op)).to.equal(undefined)
      expect((await refusal(provider.sign(made.ref, 'ES256', Buffer.alloc(32), op))).code).to.equal('hsm-key-missing')
      await provider.destroy(made.ref, op)
      return made
    })
    expect((await inspect(config)).objects.filter(object => object.id === key.ref.id)).to.deep.equal([])
  })

  it('another process’s keys are found, and keys it has destroyed are missed at once', async () => {
    await withProvider(config, async provider => {
      const key = await residentKey(provider)
      await inAnotherProcess(config, { destroy: key.ref.id })
      expect((await refusal(provider.sign(key.ref, 'ES256', Buffer.alloc(32), op))).code).to.equal('hsm-key-missing')
      expect(await provider.locate(key.ref, op)).to.equal(undefined)
      const id = newId()
      const spki = await inAnotherProcess(config, { generate: id })
      const ref: KeyRef = reference(id)
      await expectSigns(provider, { ref, spki: Buffer.from(spki, 'base64') })
    })
  })

  for (const algorithm of ['P-256', 'AES-256', 'HMAC-SHA-256'] as const) {
    it(`lesson: another ${algorithm} key under the id of one, put there while nobody looked, is not used`, async () => {
      const spec = specOf({ algorithm, custody: 'resident', id: newId() })
      const make = (): Promise<GeneratedKey> => withProvider(config, provider => provider.generate(spec, op))
      const { ref, ...identity } = await make()
      await withProvider(config, provider => provider.destroy(ref as ResidentRef, op))
      const other = await make()
      const naming = (key: Omit<GeneratedKey, 'ref'>): ResidentRef => ({
        ...(ref as ResidentRef),
        identity: key.spki ?? key.checkValue ?? new Uint8Array(),
      })
      const use = (provider: KeyProvider, by: ResidentRef): Promise<unknown> => {
        if (algorithm === 'P-256') return provider.sign(by, 'ES256', Buffer.alloc(32), op)
        return algorithm === 'AES-256'
          ? provider.encrypt(by, new Uint8Array(1), new Uint8Array(0), op)
          : provider.mac(by, new Uint8Array(1), op)
      }
      await withProvider(config, async provider => {
        for (let time = 0; time < 2; time++) {
          const error = await refusal(use(provider, naming(identity)))
          expect([error.code, error.facts['reason']]).to.deep.equal(['hsm-key-missing', 'another key has this id'])
        }
        expect((await refusal(provider.locate(naming(identity), op))).code).to.equal('hsm-key-missing')
        await use(provider, naming(other))
      })
    })
  }

  it('lesson: after its handle went bad an id that names another key is not used', async () => {
    await withProvider(config, async provider => {
      const key = await residentKey(provider)
      await inAnotherProcess(config, { destroy: key.ref.id })
      await inAnotherProcess(config, { generate: key.ref.id })
      for (let time = 0; time < 2; time++) {
        const error = await refusal(provider.sign(key.ref, 'ES256', Buffer.alloc(32), op))
        expect([error.code, error.facts['reason']]).to.deep.equal(['hsm-key-missing', 'another key has this id'])
      }
      expect((await refusal(provider.locate(key.ref, op))).code).to.equal('hsm-key-missing')
    })
  })
})
