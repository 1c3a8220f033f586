import { createCipheriv, createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import pkcs11js from 'pkcs11js'
import type { TokenRecord } from '@warder/contract'
import { ceremony } from '../src/ceremony.ts'
import type { Config } from '../src/config.ts'
import { inspect } from '../src/inspect.ts'
import { findObjects } from '../src/objects.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { createNssToken } from './conformance/nss-token.ts'
import { withRawToken } from './raw-token.ts'
import { openWrapped, recipientFile, recipientKey } from './recipient-key.ts'
import { op, refusal, removeDirectory, temporaryDirectory, withProvider } from './support.ts'

const names = ['warder/kek/1', 'warder/export-kek/1', 'warder/import-kek/1', 'warder/store/1']

describe('the record of a key ceremony', () => {
  let directory: string
  let config: Config
  const record = (): Promise<TokenRecord> => ceremony(config, { credentialsDir: directory }, op)

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  afterEach(() => removeDirectory(directory))

  it('has the module, the token, and each root key with what the token says of it', async () => {
    const { module, token, keys, backupRecipient } = await record()
    const code = createHash('sha256')
      .update(await readFile(config.module))
      .digest('hex')
    expect(module).to.deep.include({ path: config.module, sha256: code })
    expect(module.library).to.match(/PKCS11 \d+\.\d+, SoftHSM$/)
    expect(token).to.deep.equal(await inspectedToken())
    expect(backupRecipient).to.equal(undefined)
    expect(keys.map(({ label }) => label)).to.deep.equal(names)
    for (const { label, id, checkValue, attributes, wrappedTo } of keys) {
      expect([id, checkValue]).to.satisfy(
        ([one = '', other = '']: string[]) => /^[0-9a-f]{32}$/.test(one) && /^[0-9a-f]{16}$/.test(other),
      )
      expect(wrappedTo).to.deep.equal([])
      const wraps = label !== 'warder/store/1'
      expect(attributes, label).to.deep.include({
        CKA_SENSITIVE: true,
        CKA_EXTRACTABLE: false,
        CKA_NEVER_EXTRACTABLE: true,
        CKA_MODIFIABLE: false,
        CKA_WRAP: wraps,
        CKA_UNWRAP: wraps,
        CKA_ENCRYPT: !wraps,
        CKA_SIGN: false,
      })
    }
    expect(new Set(keys.map(({ checkValue }) => checkValue)).size).to.equal(4)
  })

  const inspectedToken = async () => {
    const { pin: _, ...token } = (await inspect(config)).token
    return token
  }

  it('is the same each time, also after an appliance has used the token, and changes nothing', async () => {
    const before = await inspect(config)
    const first = await record()
    await withProvider(config, provider => provider.createRootKey(op))
    const second = await record()
    expect(second.keys.filter(({ label }) => names.includes(label))).to.have.deep.members([...first.keys])
    expect(second.keys).to.have.length(7)
    expect((await inspect(config)).objects.length).to.equal(before.objects.length + 3)
  })

  it('has no check value that tells the secret which the store key authenticates with', async () => {
    const { keys } = await record()
    const stated = keys.find(({ label }) => label === 'warder/store/1')?.checkValue
    const zeros = await withRawToken(config, (lib, session) => {
      const [store] = findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value: 'warder/store/1' }])
      lib.C_EncryptInit(session, { mechanism: pkcs11js.CKM_AES_ECB }, store as Buffer)
      return lib.C_Encrypt(session, Buffer.alloc(16), Buffer.alloc(32)).subarray(0, 8).toString('hex')
    })
    expect(stated).not.to.equal(zeros)
  })

  it('has check values that the backup recipient, who can open the keys, comes to as well', async () => {
    const directoryToo = await temporaryDirectory()
    try {
      const recipient = recipientKey()
      const other = await createSoftHsmToken(directoryToo, {
        backupRecipient: await recipientFile(directoryToo, recipient),
      })
      const backup = await withProvider(other, async provider => provider.rootKeyBackup?.(op))
      const { keys, backupRecipient } = await ceremony(other, { credentialsDir: directoryToo }, op)
      expect(backupRecipient).to.equal(createHash('sha256').update(recipient.spki).digest('hex'))
      expect(backup?.keys).to.have.length(3)
      for (const copy of backup?.keys ?? []) {
        const cipher = createCipheriv(
          'id-aes256-wrap-pad',
          openWrapped(recipient, copy),
          Buffer.from('a65959a6', 'hex'),
        )
        const wrapped = Buffer.concat([cipher.update(Buffer.alloc(8)), cipher.final()])
        const { checkValue, wrappedTo } = keys.find(({ label }) => label === `warder/${copy.purpose}/1`) ?? {}
        expect([checkValue, wrappedTo]).to.deep.equal([wrapped.subarray(0, 8).toString('hex'), [backupRecipient]])
      }
    } finally {
      await removeDirectory(directoryToo)
    }
  })

  it('is had of an NSS token too', async () => {
    const token = await createNssToken()
    try {
      const { keys } = await ceremony(token.config, { credentialsDir: '/' }, op)
      expect(keys.map(({ label }) => label)).to.deep.equal(names)
      for (const { checkValue } of keys) expect(checkValue).to.match(/^[0-9a-f]{16}$/)
    } finally {
      await token.remove()
    }
  })

  it('is refused where a root key is not what it must be', async () => {
    await withRawToken(config, (lib, session) => {
      const [store] = findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value: 'warder/store/1' }])
      lib.C_DestroyObject(session, store as Buffer)
      lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
        { type: pkcs11js.CKA_LABEL, value: 'warder/store/1' },
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
        { type: pkcs11js.CKA_EXTRACTABLE, value: true },
      ])
    })
    expect((await refusal(record())).code).to.equal('not-initialised')
  })
})
