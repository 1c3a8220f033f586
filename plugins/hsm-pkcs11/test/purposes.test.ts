import pkcs11js from 'pkcs11js'
import { keyAlgorithms, usagesOf, type KeyAlgorithm, type KeyPurpose } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { asBoolean, findObjects, readAttributes } from '../src/objects.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { withRawToken } from './raw-token.ts'
import { op, refusal, removeDirectory, specOf, temporaryDirectory, thrownBy, withProvider } from './support.ts'

/** Written again, and not taken from the source: what each purpose may do on the token. */
const granted: Readonly<Record<string, readonly string[]>> = {
  'pair sign': ['CKA_SIGN'],
  'pair encrypt': ['CKA_DECRYPT'],
  'pair derive': ['CKA_DERIVE'],
  'secret encrypt': ['CKA_DECRYPT', 'CKA_ENCRYPT'],
  'secret wrap': ['CKA_UNWRAP', 'CKA_WRAP'],
  'secret mac': ['CKA_SIGN'],
}
const pairFlags = ['CKA_DECRYPT', 'CKA_DERIVE', 'CKA_SIGN', 'CKA_SIGN_RECOVER', 'CKA_UNWRAP'] as const
const secretFlags = [
  'CKA_DECRYPT',
  'CKA_DERIVE',
  'CKA_ENCRYPT',
  'CKA_SIGN',
  'CKA_UNWRAP',
  'CKA_VERIFY',
  'CKA_WRAP',
] as const

const isSecret = (algorithm: KeyAlgorithm): boolean => /^(AES|HMAC)/.test(algorithm)

describe('purposes', function () {
  this.timeout(60_000)
  let directory: string
  let config: Config

  before(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  after(() => removeDirectory(directory))

  it('a resident key may do on the token what it was made for, and nothing else, and never leaves it', async () => {
    await withProvider(config, async provider => {
      for (const algorithm of keyAlgorithms) {
        for (const usage of usagesOf[algorithm]) {
          const spec = specOf({ algorithm, usage, custody: 'resident' })
          await provider.generate(spec, op)
          const kind = isSecret(algorithm) ? 'secret' : 'pair'
          const found = await withRawToken(config, (lib, session) => kept(lib, session, spec.id), 'an open provider')
          expect(found.granted, `${algorithm} for ${usage}`).to.deep.equal(granted[`${kind} ${usage}`])
          expect(found.secured).to.deep.equal([true, true, false, true, false])
        }
      }
    })
  })

  const kept = (lib: pkcs11js.PKCS11, session: Buffer, id: string) => {
    const handles = findObjects(lib, session, [{ type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') }])
    for (const handle of handles) {
      const [objectClass] = readAttributes(lib, session, handle, [pkcs11js.CKA_CLASS])
      const number = objectClass.readUInt32LE()
      if (number === pkcs11js.CKO_PUBLIC_KEY) continue
      const names = number === pkcs11js.CKO_SECRET_KEY ? secretFlags : pairFlags
      const read = (type: number) => asBoolean(readAttributes(lib, session, handle, [type])[0])
      return {
        granted: names.filter(name => read(pkcs11js[name])),
        secured: [
          pkcs11js.CKA_PRIVATE,
          pkcs11js.CKA_SENSITIVE,
          pkcs11js.CKA_EXTRACTABLE,
          pkcs11js.CKA_NEVER_EXTRACTABLE,
          pkcs11js.CKA_MODIFIABLE,
        ].map(read),
      }
    }
    throw new Error('no such key')
  }

  it('a key is not made for what its kind is not for, and nothing is made', async () => {
    await withProvider(config, async provider => {
      const wrong: readonly (readonly [KeyAlgorithm, KeyPurpose])[] = [
        ['AES-256', 'sign'],
        ['AES-256', 'import'],
        ['HMAC-SHA-256', 'encrypt'],
        ['P-256', 'encrypt'],
        ['RSA-2048', 'derive'],
        ['RSA-2048', 'import'],
        ['Ed25519', 'derive'],
      ]
      for (const [algorithm, usage] of wrong) {
        for (const custody of ['resident', 'sealed'] as const) {
          const spec = specOf({ algorithm, usage, custody })
          const error = await refusal(provider.generate(spec, op))
          expect([error.code, error.facts]).to.deep.equal(['usage-not-allowed', { usage }])
        }
      }
      const resident = specOf({ algorithm: 'RSA-4096', usage: 'import', custody: 'resident' })
      expect((await refusal(provider.generate(resident, op))).code).to.equal('usage-not-allowed')
      const exportable = [{ custody: 'resident' }, { algorithm: 'RSA-4096', usage: 'import' }] as const
      for (const change of exportable) {
        const call = provider.generate(specOf({ ...change, exportable: true }), op)
        expect(await thrownBy(call)).to.be.instanceOf(TypeError)
      }
    })
  })
})
