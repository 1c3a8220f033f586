import { execFile } from 'node:child_process'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pkcs11js from 'pkcs11js'
import type { SealedRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { findObjects } from '../src/objects.ts'
import { inspect } from '../src/inspect.ts'
import { writePinFile } from '../src/pin-file.ts'
import { plugin } from '../src/plugin.ts'
import { createRootKeys, initToken } from '../src/provision.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { rootKeyTemplate, wrappingPurposes, type RootPurpose } from '../src/templates.ts'
import { withRawToken } from './raw-token.ts'
import { host, op, refusal, removeDirectory, temporaryDirectory, thrownBy, withProvider, specOf } from './support.ts'

describe('provisioning', () => {
  let directory: string
  let config: Config

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(directory)
  })
  afterEach(() => removeDirectory(directory))

  const destroyRootKeys = (labels: readonly string[]) =>
    withRawToken(config, (lib, session) => {
      for (const label of labels) {
        for (const key of findObjects(lib, session, [{ type: pkcs11js.CKA_LABEL, value: label }])) {
          lib.C_DestroyObject(session, key)
        }
      }
    })

  it('shows a token, its mechanisms and its objects, and no values', async () => {
    const inspection = await inspect(config)
    expect(inspection.token).to.deep.include({
      label: 'warder',
      pin: { countLow: false, finalTry: false, locked: false },
    })
    expect(inspection.mechanisms.map(({ name }) => name)).to.include('CKM_EDDSA')
    // SoftHSM tells neither
    expect(inspection.sessions).to.deep.equal({ open: null, max: null })
    const objects = inspection.objects.map(({ label, class: kind, type }) => [label, kind, type])
    expect(objects).to.deep.equal([
      ['warder/export-kek/1', 'SECRET_KEY', 'AES'],
      ['warder/import-kek/1', 'SECRET_KEY', 'AES'],
      ['warder/kek/1', 'SECRET_KEY', 'AES'],
      ['warder/store/1', 'SECRET_KEY', 'AES'],
    ])
  })

  it('never initialises a token whose label is taken, nor one that is initialised', async () => {
    const request = {
      module: config.module,
      environment: config.environment,
      label: 'warder',
      soPinFile: join(directory, 'so-pin'),
      pinFile: join(directory, 'pin'),
    }
    expect((await refusal(initToken(request))).code).to.equal('already-initialised')
    const { serial } = await initToken({ ...request, label: 'a second one of 32 bytes, äöü' })
    expect(serial).to.match(/^[0-9a-f]{16}$/)
    for (const label of ['', 'x'.repeat(33)]) {
      expect(await thrownBy(initToken({ ...request, label }))).to.be.instanceOf(TypeError)
    }
    await withProvider(config, provider => provider.random(1, op))
  })

  it('lesson: root keys are made once; a second run, or one beside what is left of them, is refused', async () => {
    expect((await refusal(createRootKeys(config))).code).to.equal('already-initialised')
    await destroyRootKeys(['warder/kek/1'])
    expect((await refusal(createRootKeys(config))).code).to.equal('already-initialised')
    await destroyRootKeys(['warder/store/1', 'warder/export-kek/1', 'warder/import-kek/1'])
    await createRootKeys(config)
    await withProvider(config, provider => provider.random(1, op))
  })

  it('lesson: opening never makes a root key that it does not find', async () => {
    await destroyRootKeys(['warder/kek/1'])
    const error = await refusal(plugin.open(config, host, op))
    expect([error.code, error.facts]).to.deep.equal(['not-initialised', { key: 'warder/kek/1', reason: 'missing' }])
    expect((await inspect(config)).objects.map(({ label }) => label)).to.deep.equal([
      'warder/export-kek/1',
      'warder/import-kek/1',
      'warder/store/1',
    ])
  })

  const faults = [
    ['CKA_EXTRACTABLE is true', pkcs11js.CKA_EXTRACTABLE, true],
    ['CKA_SENSITIVE is false', pkcs11js.CKA_SENSITIVE, false],
    ['CKA_PRIVATE is false', pkcs11js.CKA_PRIVATE, false],
    ['CKA_MODIFIABLE is true', pkcs11js.CKA_MODIFIABLE, true],
    ['CKA_DECRYPT is true', pkcs11js.CKA_DECRYPT, true],
    ['CKA_UNWRAP is false', pkcs11js.CKA_UNWRAP, false],
    ['not AES-256', pkcs11js.CKA_VALUE_LEN, 16],
  ] as const
  for (const [reason, attribute, value] of faults) {
    it(`a root key is refused when: ${reason}`, async () => {
      await destroyRootKeys(['warder/kek/1'])
      await withRawToken(config, (lib, session) => {
        const template = rootKeyTemplate('kek', 1, Buffer.alloc(16, 1)).map(entry =>
          entry.type === attribute ? { type: attribute, value } : entry,
        )
        lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, template)
      })
      const error = await refusal(plugin.open(config, host, op))
      expect([error.code, error.facts]).to.deep.equal(['not-initialised', { key: 'warder/kek/1', reason }])
    })
  }

  it('two root keys of one name are refused, and a newer number is used for what is made', async () => {
    const add = (purpose: RootPurpose) =>
      withRawToken(config, (lib, session) =>
        lib.C_GenerateKey(
          session,
          { mechanism: pkcs11js.CKM_AES_KEY_GEN },
          rootKeyTemplate(purpose, 12, Buffer.alloc(16, 12)),
        ),
      )
    const rootKeyOf = () =>
      withProvider(config, async provider => (await provider.generate(specOf(), op)).ref as SealedRef)
    for (const purpose of wrappingPurposes) {
      // one that lacks a kind, as a broken run leaves it, wraps nothing
      expect((await rootKeyOf()).rootKey).to.equal(1)
      await add(purpose)
    }
    expect((await rootKeyOf()).rootKey).to.equal(12)
    await add('kek')
    expect((await refusal(plugin.open(config, host, op))).facts).to.deep.equal({
      key: 'warder/kek/12',
      reason: 'two keys have this name',
    })
  })

  it('a PIN file is private, random and never overwritten', async () => {
    const paths = [join(directory, 'one'), join(directory, 'two')] as const
    for (const path of paths) await writePinFile(path)
    expect((await stat(paths[0])).mode & 0o777).to.equal(0o600)
    const [one, two] = await Promise.all(paths.map(path => readFile(path, 'utf8')))
    expect(one).to.match(/^[0-9a-f]{40}\n$/)
    expect(one).not.to.equal(two)
    expect(await thrownBy(writePinFile(paths[0]))).to.have.property('code', 'EEXIST')
    expect(await readFile(paths[0], 'utf8')).to.equal(one)
  })

  it('a SoftHSM directory is made once, answers the same again, and is not completed behind a broken run', async () => {
    expect(await createSoftHsmToken(directory)).to.deep.equal(config)
    await rm(join(directory, 'hsm.json'))
    expect((await refusal(createSoftHsmToken(directory))).code).to.equal('already-initialised')
    expect(await readdir(join(directory, 'tokens'))).to.have.length(1)
  })

  it('softhsm2.sh makes a token, runs the command with it, and may be run again', async () => {
    const script = fileURLToPath(new URL('../../../softhsm/softhsm2.sh', import.meta.url))
    const run = (...args: readonly string[]) => promisify(execFile)(script, args, { cwd: directory })
    const made = (await run('made')).stdout.trim()
    expect(made).to.equal(join(directory, 'made', 'hsm.json'))
    const parsed = plugin.config['~standard'].validate(JSON.parse(await readFile(made, 'utf8')))
    expect(await parsed).to.have.property('value')
    await writeFile(join(directory, 'with space'), '')
    const { stdout } = await run('made', 'sh', '-c', 'echo "$SOFTHSM2_CONF"; echo "$1"', 'sh', 'with space')
    expect(stdout).to.equal(`${join(directory, 'made', 'softhsm2.conf')}\nwith space\n`)
  })
})
