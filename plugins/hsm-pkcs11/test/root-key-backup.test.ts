import { execFile } from 'node:child_process'
import { createDecipheriv, createHash, generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pkcs11js from 'pkcs11js'
import type {
  GeneratedKey,
  KeyProvider,
  ProvisioningFiles,
  RootKeyBackup,
  SealedRef,
  WrappedRootKey,
} from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { Copies } from '../src/copies.ts'
import { findToken } from '../src/find-token.ts'
import type { Cryptoki, Handle } from '../src/cryptoki.ts'
import { inspect } from '../src/inspect.ts'
import { login } from '../src/login.ts'
import { checkValueIn, RootKeyMaker } from '../src/make-root-keys.ts'
import { asBoolean, findObjects, readAttributes } from '../src/objects.ts'
import { plugin } from '../src/plugin.ts'
import { createRootKeys, withModule } from '../src/provision.ts'
import { recipientOf } from '../src/recipient.ts'
import { faultOf } from '../src/root-keys.ts'
import { readWrite } from '../src/session-pool.ts'
import { settle } from '../src/settle.ts'
import { passingRootKey, rootKeyLength } from '../src/templates.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { inAnotherProcess, killedWhileMaking } from './another-process.ts'
import { createEmptyNssToken, createNssToken } from './conformance/nss-token.ts'
import { createEmptySoftHsmToken } from './conformance/softhsm-token.ts'
import { withRawToken } from './raw-token.ts'
import { openWrapped, recipientFile, recipientKey } from './recipient-key.ts'
import {
  expectSigns,
  host,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  specOf,
  temporaryDirectory,
  thrownBy,
  withProvider,
} from './support.ts'

const provision = plugin.provision as NonNullable<typeof plugin.provision>
const restore = plugin.restore as NonNullable<typeof plugin.restore>

/** A token with root keys wrapped to `recipientKey()`, and the means to make empty ones. */
interface Module {
  readonly name: string
  /** Where copies are. */
  readonly onToken: boolean
  token(directory: string, backupRecipient?: string): Promise<Config>
  empty(directory: string, backupRecipient?: string): Promise<Config>
}

const noFiles: ProvisioningFiles = { credentialsDir: '' }

const softHsm: Module = {
  name: 'SoftHSM2',
  onToken: true,
  token: (directory, backupRecipient) =>
    createSoftHsmToken(directory, backupRecipient === undefined ? {} : { backupRecipient }),
  empty: createEmptySoftHsmToken,
}

const nss: Module = {
  name: 'NSS softokn',
  onToken: false,
  token: async (_, backupRecipient) => (await keeping(createNssToken(backupRecipient))).config,
  empty: async (_, backupRecipient) => (await keeping(createEmptyNssToken(backupRecipient))).config,
}

const removals: (() => Promise<void>)[] = []
async function keeping<T extends { remove: () => Promise<void> }>(token: Promise<T>): Promise<T> {
  const made = await token
  removals.push(made.remove)
  return made
}

/** As somebody does who has the PIN. */
const destroyObjects = (config: Config, labels: readonly string[]): Promise<void> =>
  withModule(config, async ({ lib }) => {
    const session = lib.C_OpenSession(findToken(lib, config.token).slot, readWrite)
    await login(lib, session, { serial: '' }, config, () => new Date())
    for (const value of labels) {
      for (const object of findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value }])) {
        lib.C_DestroyObject(session, object)
      }
    }
  })

/** The module with one call replaced. */
function replacing<Name extends keyof Cryptoki>(lib: Cryptoki, name: Name, call: Cryptoki[Name]): Cryptoki {
  return new Proxy(lib, {
    get: (target, wanted) => {
      const member: unknown = wanted === name ? call : Reflect.get(target, wanted, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

const backupBy = (provider: KeyProvider): Promise<RootKeyBackup> => {
  if (provider.rootKeyBackup === undefined) throw new Error('this plugin has it')
  return provider.rootKeyBackup(op)
}

const backupOf = (config: Config): Promise<RootKeyBackup> => withProvider(config, backupBy)

const namesOf = (keys: readonly WrappedRootKey[]): readonly string[] => keys.map(key => `${key.purpose}/${key.number}`)

for (const module of [softHsm, nss])
  describe(`root keys that are wrapped to a recipient, on ${module.name}`, function () {
    this.timeout(120_000)
    let directory: string
    let recipient: string

    beforeEach(async () => {
      directory = await temporaryDirectory()
      recipient = await recipientFile(directory, recipientKey())
    })
    afterEach(async () => {
      await removeDirectory(directory)
      for (const remove of removals.splice(0)) await remove()
    })
    const below = async (name: string): Promise<string> => {
      const path = join(directory, name)
      await mkdir(path, { recursive: true })
      return path
    }

    it('open with its private key, outside, to what unwraps the keys that were sealed under them', async () => {
      const config = await module.token(await below('a'), recipient)
      await withProvider(config, async provider => {
        const backup = await backupBy(provider)
        expect(Buffer.from(backup.recipient ?? []).equals(recipientKey().spki)).to.equal(true)
        expect(namesOf(backup.keys)).to.deep.equal(['kek/1', 'export-kek/1', 'import-kek/1'])
        expect(backup.missing).to.deep.equal([])
        const [kek] = backup.keys as [WrappedRootKey]
        const key = openWrapped(recipientKey(), kek)
        expect(key).to.have.length(32)
        const { ref } = await provider.generate(specOf({ algorithm: 'AES-256', usage: 'encrypt' }), op)
        const decipher = createDecipheriv('id-aes256-wrap-pad', key, Buffer.from('a65959a6', 'hex'))
        const tenant = Buffer.concat([decipher.update((ref as SealedRef).blob), decipher.final()])
        expect(tenant).to.have.length(32)
      })
    })

    it('are not extractable on the token, and cannot be made so, though they once were', async () => {
      const config = await module.token(await below('a'), recipient)
      await withProvider(config, async provider => {
        await provider.createRootKey(op)
        // opening and refreshing have checked every root key; this looks for itself
        await withRawToken(
          config,
          (lib, session) => {
            const keys = findObjects(lib, session, [
              { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
              { type: pkcs11js.CKA_TOKEN, value: true },
            ])
            expect(keys).to.have.length(7)
            for (const key of keys) {
              for (const [type, wanted] of [
                [pkcs11js.CKA_EXTRACTABLE, false],
                [pkcs11js.CKA_SENSITIVE, true],
                [pkcs11js.CKA_MODIFIABLE, false],
              ] as const) {
                expect(asBoolean(readAttributes(lib, session, key, [type])[0])).to.equal(wanted)
              }
              const change = [{ type: pkcs11js.CKA_EXTRACTABLE, value: true }]
              expect(() => lib.C_SetAttributeValue(session, key, change)).to.throw(/CKR_/)
            }
          },
          'an open provider',
        )
      })
    })

    it('are the next generation too, and are seen by another process', async () => {
      const config = await module.token(await below('a'), recipient)
      await withProvider(config, async provider => {
        expect(await inAnotherProcess(config, { createRootKey: true })).to.equal('2')
        const backup = await backupBy(provider)
        expect(namesOf(backup.keys)).to.deep.equal(
          ['kek', 'export-kek', 'import-kek'].flatMap(purpose => [`${purpose}/1`, `${purpose}/2`]),
        )
        expect(new Set(backup.keys.map(key => openWrapped(recipientKey(), key).toString('hex'))).size).to.equal(6)
      })
    })

    it('made before there was a recipient stay without, and the next generation has copies', async () => {
      const config = await module.token(await below('a'))
      const all = ['kek/1', 'export-kek/1', 'import-kek/1']
      expect(await backupOf(config)).to.deep.equal({ recipient: undefined, keys: [], missing: all })
      const named = { ...config, backupRecipient: recipient }
      await withProvider(named, async provider => {
        expect((await backupBy(provider)).missing).to.deep.equal(all)
        await provider.createRootKey(op)
        const backup = await backupBy(provider)
        expect(namesOf(backup.keys)).to.deep.equal(['kek/2', 'export-kek/2', 'import-kek/2'])
        expect(backup.missing).to.deep.equal(all)
      })
    })

    it('are wrapped to a new recipient from the next generation on', async () => {
      const config = await module.token(await below('a'), recipient)
      const other = { ...config, backupRecipient: await recipientFile(await below('b'), recipientKey(1)) }
      await withProvider(other, async provider => {
        await provider.createRootKey(op)
        const backup = await backupBy(provider)
        expect(namesOf(backup.keys)).to.deep.equal(['kek/2', 'export-kek/2', 'import-kek/2'])
        expect(backup.missing).to.deep.equal(['kek/1', 'export-kek/1', 'import-kek/1'])
        for (const key of backup.keys) expect(openWrapped(recipientKey(1), key)).to.have.length(32)
      })
      expect((await backupOf(config)).missing).to.deep.equal(['kek/2', 'export-kek/2', 'import-kek/2'])
    })

    it('are shown to the operator with whom each is wrapped to', async () => {
      const config = await module.token(await below('a'), recipient)
      const { objects, backup } = await inspect(config)
      const data = objects.filter(({ class: kind }) => kind === 'DATA').map(({ label }) => label)
      expect(data).to.deep.equal(
        module.onToken ? ['warder/backup/export-kek/1', 'warder/backup/import-kek/1', 'warder/backup/kek/1'] : [],
      )
      const fingerprint = backup.recipient ?? ''
      expect(fingerprint).to.match(/^[0-9a-f]{64}$/)
      expect(backup.rootKeys).to.deep.equal(
        ['kek/1', 'export-kek/1', 'import-kek/1'].map(name => ({ name: `warder/${name}`, wrappedTo: [fingerprint] })),
      )
    })

    it('come back on another token: what the old one sealed is used there, and the next backup has them', async () => {
      const old = await module.token(await below('a'), recipient)
      const sealed: GeneratedKey[] = []
      const backup = await withProvider(old, async provider => {
        sealed.push(await sealedKey(provider))
        await provider.createRootKey(op)
        sealed.push(await sealedKey(provider))
        sealed.push(await provider.generate(specOf({ exportable: true }), op))
        return backupBy(provider)
      })
      const fresh = await module.empty(await below('b'), recipient)
      const given = { keys: backup.keys, recipientKey: recipientKey().pkcs8 }
      const done = await restore(fresh, noFiles, given, op)
      expect(done).to.deep.equal([
        ...namesOf(backup.keys).map(name => `restored the root key warder/${name}`),
        'made the store key warder/store/1',
      ])
      await withProvider(fresh, async provider => {
        for (const key of sealed) await expectSigns(provider, key)
        expect(await provider.newestRootKey(op)).to.equal(2)
        expect(await backupBy(provider)).to.deep.equal(backup)
        expect(await provider.createRootKey(op)).to.equal(3)
      })
      // what was done is kept, also behind a rotation
      expect(await restore(fresh, noFiles, given, op)).to.deep.equal([])
      await withProvider(fresh, async provider => expectSigns(provider, sealed[0] as GeneratedKey))
    })

    it('are not put beside others: another key of the name, or one the backup does not know, refuses, and stays', async () => {
      const backup = await backupOf(await module.token(await below('a'), recipient))
      const given = { keys: backup.keys, recipientKey: recipientKey().pkcs8 }
      const other = await module.token(await below('b'), recipient)
      const before = await backupOf(other)
      const error = await refusal(restore(other, noFiles, given, op))
      expect([error.code, error.facts]).to.deep.equal(['already-initialised', { key: 'warder/kek/1' }])
      const renumbered = backup.keys.map(key => ({ ...key, number: 2 }))
      const foreign = await refusal(restore(other, noFiles, { ...given, keys: renumbered }, op))
      expect([foreign.code, foreign.facts]).to.deep.equal(['already-initialised', { key: 'warder/import-kek/1' }])
      expect(await backupOf(other)).to.deep.equal(before)
    })

    it('restored in part are completed by a second run', async () => {
      const old = await module.token(await below('a'), recipient)
      const key = await withProvider(old, sealedKey)
      const { keys } = await backupOf(old)
      const fresh = await module.empty(await below('b'), recipient)
      const given = { keys, recipientKey: recipientKey().pkcs8 }
      await restore(fresh, noFiles, given, op)
      await destroyObjects(fresh, ['warder/kek/1', 'warder/backup/kek/1', 'warder/store/1'])
      const done = await restore(fresh, noFiles, given, op)
      expect(done).to.deep.equal(['restored the root key warder/kek/1', 'made the store key warder/store/1'])
      await withProvider(fresh, provider => expectSigns(provider, key))
    })

    it('that do not open with the key, or are no backup, make nothing', async () => {
      const backup = await backupOf(await module.token(await below('a'), recipient))
      const fresh = await module.empty(await below('b'))
      const pkcs8 = recipientKey().pkcs8
      const attempt = async (keys: readonly WrappedRootKey[], key: Uint8Array = pkcs8): Promise<string> =>
        (await refusal(restore(fresh, noFiles, { keys, recipientKey: key }, op))).code
      const [first, ...rest] = backup.keys as [WrappedRootKey, ...WrappedRootKey[]]
      const spoilt = (at: number): WrappedRootKey => {
        const wrapped = Uint8Array.from(first.wrapped)
        wrapped[at] = (wrapped[at] ?? 0) ^ 1
        return { ...first, wrapped }
      }
      expect(await attempt(backup.keys, recipientKey(1).pkcs8)).to.equal('decryption-failed')
      for (const at of [0, 200, 383, 384, 400, 423]) {
        expect(await attempt([spoilt(at), ...rest]), `byte ${at}`).to.equal('decryption-failed')
      }
      expect(await attempt([])).to.equal('malformed-request')
      expect(await attempt(rest)).to.equal('malformed-request')
      expect(await attempt([...backup.keys, first])).to.equal('malformed-request')
      expect(await attempt([{ ...first, number: 0 }, ...rest])).to.equal('malformed-request')
      expect(await attempt([{ ...first, purpose: 'store' }, ...rest])).to.equal('malformed-request')
      expect(await attempt([{ ...first, wrapped: first.wrapped.subarray(0, -8) }, ...rest])).to.equal(
        'malformed-request',
      )
      expect(await attempt(backup.keys, pkcs8.subarray(0, -1))).to.equal('malformed-request')
      expect((await inspect(fresh)).objects).to.deep.equal([])
    })
  })

describe('root keys and their recipient', function () {
  this.timeout(120_000)
  let directory: string
  let recipient: string

  beforeEach(async () => {
    directory = await temporaryDirectory()
    recipient = await recipientFile(directory, recipientKey())
  })
  afterEach(async () => {
    await removeDirectory(directory)
    for (const remove of removals.splice(0)) await remove()
  })

  it('come back on a token that has not the OAEP which they were wrapped with', async () => {
    const old = await nss.token(directory, recipient)
    const key = await withProvider(old, sealedKey)
    const { keys } = await backupOf(old)
    expect(keys.map(({ oaep }) => oaep)).to.deep.equal(['RSA-OAEP-256', 'RSA-OAEP-256', 'RSA-OAEP-256'])
    const fresh = await softHsm.empty(directory, recipient)
    await restore(fresh, noFiles, { keys, recipientKey: recipientKey().pkcs8 }, op)
    await withProvider(fresh, provider => expectSigns(provider, key))
    const spoilt = keys.map(each => ({ ...each, oaep: 'RSA-OAEP-512' as const }))
    const error = await refusal(restore(fresh, noFiles, { keys: spoilt, recipientKey: recipientKey().pkcs8 }, op))
    expect(error.code).to.equal('decryption-failed')
  })

  it('lesson: a copy without its key, of a run that was broken off, is passed over, and a second run makes both', async () => {
    const config = await softHsm.empty(directory, recipient)
    const orphan = await backupOf(await softHsm.token(join(directory, 'other'), recipient))
    await withModule(config, async ({ lib }) => {
      const session = lib.C_OpenSession(findToken(lib, config.token).slot, readWrite)
      await login(lib, session, { serial: '' }, config, () => new Date())
      for (const { purpose, number, oaep, wrapped } of orphan.keys) {
        const fingerprint = createHash('sha256').update(recipientKey().spki).digest('hex')
        const copy = { name: `${purpose}/${number}`, recipient: fingerprint, oaep, checkValue: '00'.repeat(8), wrapped }
        await new Copies(lib, config.stateDir).keep(session, copy)
      }
    })
    await createRootKeys(config)
    const backup = await backupOf(config)
    expect(backup.missing).to.deep.equal([])
    const strange = new Set(orphan.keys.map(key => openWrapped(recipientKey(), key).toString('hex')))
    for (const key of backup.keys) expect(strange.has(openWrapped(recipientKey(), key).toString('hex'))).to.equal(false)
  })

  it('lesson: have their copies, or are not there, wherever a process that makes them is killed', async () => {
    const config = await softHsm.token(directory, recipient)
    for (let round = 1; round <= 3; round++) {
      await killedWhileMaking(config, round)
      const backup = await backupOf(config)
      expect(backup.missing, `round ${round}`).to.deep.equal([])
      for (const key of backup.keys) expect(openWrapped(recipientKey(), key)).to.have.length(32)
      await withProvider(config, async provider => {
        const before = await provider.newestRootKey(op)
        expect(await provider.createRootKey(op)).to.be.greaterThan(before)
        await expectSigns(provider, await sealedKey(provider))
      })
    }
  })

  it('have no copy when it is lost, say so, and go on', async () => {
    const config = await softHsm.token(directory, recipient)
    const key = await withProvider(config, sealedKey)
    await destroyObjects(config, ['warder/backup/kek/1'])
    expect((await backupOf(config)).missing).to.deep.equal(['kek/1'])
    await withProvider(config, provider => expectSigns(provider, key))
  })

  it('are not made when the token cannot wrap to a recipient, and nothing is left', async () => {
    const config = {
      ...(await createSoftHsmToken(directory, { mechanisms: '-CKM_RSA_PKCS_OAEP' })),
      backupRecipient: recipient,
    }
    await withProvider(config, async provider => {
      const error = await refusal(provider.createRootKey(op))
      expect([error.code, error.facts]).to.deep.equal([
        'unsupported-mechanism',
        { mechanism: 'CKM_RSA_PKCS_OAEP', field: 'backupRecipient' },
      ])
      expect(await provider.newestRootKey(op)).to.equal(1)
    })
    expect((await inspect(config)).objects).to.have.length(4)
  })

  it('lesson: no key is on the token before all copies are, and nothing is left when one cannot be made', async () => {
    const config = await softHsm.empty(directory)
    await withModule(config, async ({ lib }) => {
      const session = lib.C_OpenSession(findToken(lib, config.token).slot, readWrite)
      await login(lib, session, { serial: '' }, config, () => new Date())
      const onToken = (): readonly Handle[] => findObjects(lib, session, [{ type: pkcs11js.CKA_TOKEN, value: true }])
      const there: number[] = []
      const failing = replacing(lib, 'C_CopyObject', (own, key, wanted) => {
        there.push(onToken().length)
        if (there.length === 3) throw new Error('CKR_DEVICE_ERROR:48')
        return lib.C_CopyObject(own, key, wanted)
      })
      const { publicKey } = recipientKey()
      const maker = new RootKeyMaker(failing, new Copies(failing, config.stateDir), recipientOf(publicKey))
      expect(await thrownBy(maker.makeFirst(session))).to.match(/CKR_DEVICE_ERROR/)
      expect(there).to.deep.equal([3, 4, 5])
      expect(onToken()).to.deep.equal([])
    })
  })

  it('are unwrapped anew where the module makes no copy that stays', async () => {
    const config = await softHsm.empty(directory)
    await withModule(config, async ({ lib }) => {
      const session = lib.C_OpenSession(findToken(lib, config.token).slot, readWrite)
      await login(lib, session, { serial: '' }, config, () => new Date())
      const number = 1
      const template = [...passingRootKey('kek'), rootKeyLength]
      const handle = lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template)
      const checkValue = checkValueIn(lib, session, handle)
      const refusing = () => {
        throw new Error('CKR_FUNCTION_NOT_SUPPORTED:84')
      }
      const careless = (own: Handle, key: Handle, wanted: pkcs11js.Template) =>
        lib.C_CopyObject(
          own,
          key,
          wanted.filter(({ type }) => type !== pkcs11js.CKA_MODIFIABLE),
        )
      for (const copyObject of [refusing, careless]) {
        const other = replacing(lib, 'C_CopyObject', copyObject)
        const made = await settle(other, session, { purpose: 'kek', number, handle })
        expect(faultOf(lib, session, made, 'kek')).to.equal(undefined)
        expect(checkValueIn(lib, session, made)).to.equal(checkValue)
        const there = findObjects(lib, session, [{ type: pkcs11js.CKA_TOKEN, value: true }])
        expect(there).to.have.length(1)
        lib.C_DestroyObject(session, made)
      }
    })
  })

  it('lesson: who may write the recipient’s file chooses the recipient, so nobody else may', async () => {
    const config = { ...(await createSoftHsmToken(directory)), backupRecipient: recipient }
    const reasonOf = async (): Promise<string> => {
      const { code, message, facts } = await refusal(plugin.open(config, host, op))
      expect([code, facts]).to.deep.equal(['config-invalid', { field: 'backupRecipient' }])
      return message
    }
    await chmod(recipient, 0o664)
    expect(await reasonOf()).to.match(/can be written by others/)
    await chmod(recipient, 0o644)
    const pem = await readFile(recipient, 'utf8')
    await writeFile(recipient, recipientKey().privateKey.export({ type: 'pkcs8', format: 'pem' }))
    expect(await reasonOf()).to.match(/holds a private key/)
    const small = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    await writeFile(recipient, small.export({ type: 'spki', format: 'pem' }))
    expect(await reasonOf()).to.match(/3072 or 4096 bits/)
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    await writeFile(recipient, curve.export({ type: 'spki', format: 'pem' }))
    expect(await reasonOf()).to.match(/RSA public key or a certificate/)
    await writeFile(recipient, 'nothing')
    expect(await reasonOf()).to.match(/RSA public key or a certificate/)
    await rm(recipient)
    expect(await reasonOf()).to.match(/cannot be read \(ENOENT\)/)
    await writeFile(recipient, pem)
    await withProvider(config, provider => provider.random(1, op))
  })

  it('may be a certificate, and one that openssl made, which opens what was wrapped', async function () {
    const run = (...args: readonly string[]) => promisify(execFile)('openssl', args, { cwd: directory })
    await run(
      'req',
      '-x509',
      '-newkey',
      'rsa:3072',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-subj',
      '/CN=backup',
    )
    const config = await softHsm.token(join(directory, 'a'), join(directory, 'cert.pem'))
    const backup = await backupOf(config)
    expect(backup.missing).to.deep.equal([])
    const [{ oaep, wrapped }] = backup.keys as [WrappedRootKey]
    expect(oaep).to.equal('RSA-OAEP')
    await writeFile(join(directory, 'carrier.enc'), wrapped.subarray(0, 384))
    await run(
      'pkeyutl',
      '-decrypt',
      '-inkey',
      'key.pem',
      '-pkeyopt',
      'rsa_padding_mode:oaep',
      '-in',
      'carrier.enc',
      '-out',
      'carrier',
    )
    const carrier = await readFile(join(directory, 'carrier'))
    const decipher = createDecipheriv('id-aes256-wrap-pad', carrier, Buffer.from('a65959a6', 'hex'))
    expect(Buffer.concat([decipher.update(wrapped.subarray(384)), decipher.final()])).to.have.length(32)
  })

  it('are told of when a token is prepared: to whom, or that there is nobody', async () => {
    const config = await softHsm.empty(directory)
    const files = { credentialsDir: directory }
    expect(await provision(config, files, op)).to.deep.equal([
      'made the root keys warder/kek/1 and warder/store/1',
      'no backupRecipient is configured: sealed keys die with this token. Name one in the configuration of the plugin, then rotate the root key (warder root-key rotate)',
    ])
    expect(await provision(config, files, op)).to.deep.equal([])
    const other = await softHsm.empty(join(directory, 'other'), recipient)
    expect(await provision(other, files, op)).to.deep.equal([
      'made the root keys warder/kek/1 and warder/store/1, wrapped to the backup recipient',
    ])
  })

  it('are restored onto a token that is initialised first, when that is asked for', async () => {
    const { keys } = await backupOf(await softHsm.token(directory, recipient))
    const made = await createSoftHsmToken(directory)
    const config = { ...made, token: { label: 'new' }, stateDir: join(directory, 'new-state') }
    const given = { keys, recipientKey: recipientKey().pkcs8 }
    expect((await refusal(restore(config, noFiles, given, op))).code).to.equal('hsm-unavailable')
    const soPinFile = join(directory, 'so-pin')
    const [first, ...rest] = await restore(config, { credentialsDir: directory, soPinFile }, given, op)
    expect(first).to.match(/^initialised the token new, serial [0-9a-f]{16}$/)
    expect(rest).to.have.length(4)
    expect(await restore(config, { credentialsDir: directory, soPinFile }, given, op)).to.deep.equal([])
  })
})
