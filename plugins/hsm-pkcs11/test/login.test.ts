import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { writePinFile } from '../src/pin-file.ts'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import {
  expectSigns,
  host,
  op,
  refusal,
  removeDirectory,
  sealedKey,
  spied,
  temporaryDirectory,
  withProvider,
} from './support.ts'

describe('login', () => {
  let directory: string
  let config: Config

  beforeEach(async () => {
    directory = await temporaryDirectory()
    config = await createSoftHsmToken(join(directory, 'token'))
  })
  afterEach(() => removeDirectory(directory))

  const withPinFile = (path: string): Config => ({ ...config, pin: { file: path } })
  const newPin = async (name: string): Promise<Config> => {
    await writePinFile(join(directory, name))
    return withPinFile(join(directory, name))
  }

  it('lesson: a wrong PIN reaches the token once, over many opens', async () => {
    const spy = spied(await newPin('wrong'), directory)
    const codes = []
    for (let time = 0; time < 12; time++) codes.push((await refusal(plugin.open(spy.config, host, op))).code)
    expect(new Set(codes)).to.deep.equal(new Set(['pin-refused']))
    expect(await spy.calls('C_Login')).to.equal(1)
    // and the count sees what it should
    await withProvider({ ...spy.config, pin: config.pin }, provider => sealedKey(provider))
    expect(await spy.calls('C_Login')).to.equal(2)
  })

  it('the refusal names the return value first, then since when, and never the PIN', async () => {
    const wrong = await newPin('wrong')
    const pin = (await readFile(join(directory, 'wrong'), 'utf8')).trim()
    const first = await refusal(plugin.open(wrong, host, op))
    const second = await refusal(plugin.open(wrong, host, op))
    expect(first.facts).to.deep.equal({ ckr: 'CKR_PIN_INCORRECT' })
    expect(second.facts).to.have.keys('serial', 'since')
    const { serial } = second.facts
    const record = join(config.stateDir, `refused-pin.${serial as string}.json`)
    expect((await stat(record)).mode & 0o777).to.equal(0o600)
    for (const text of [
      JSON.stringify([first, second, first.message, second.message]),
      await readFile(record, 'utf8'),
    ]) {
      expect(text).not.to.include(pin)
    }
  })

  it('another PIN clears the refusal', async () => {
    const wrong = await newPin('wrong')
    await refusal(plugin.open(wrong, host, op))
    await withProvider(config, async provider => expectSigns(provider, await sealedKey(provider)))
    // the record is gone: the wrong PIN, configured again, is a new attempt
    expect((await refusal(plugin.open(wrong, host, op))).facts).to.deep.equal({ ckr: 'CKR_PIN_INCORRECT' })
  })

  it('a PIN too short for the token is refused like a wrong one', async () => {
    await writeFile(join(directory, 'short'), '1\n', { mode: 0o600 })
    const spy = spied(withPinFile(join(directory, 'short')), directory)
    for (let time = 0; time < 3; time++) {
      expect((await refusal(plugin.open(spy.config, host, op))).code).to.equal('pin-refused')
    }
    expect(await spy.calls('C_Login')).to.equal(1)
  })

  it('a damaged record stops the login until an operator removes it', async () => {
    const wrong = await newPin('wrong')
    await refusal(plugin.open(wrong, host, op))
    const { serial } = (await refusal(plugin.open(wrong, host, op))).facts
    await writeFile(join(config.stateDir, `refused-pin.${serial as string}.json`), '{')
    const spy = spied(config, directory)
    expect((await refusal(plugin.open(spy.config, host, op))).code).to.equal('pin-refused')
    expect(await spy.calls('C_Login')).to.equal(0)
  })

  it('a state directory that cannot be written stops the login before it is tried', async () => {
    await writeFile(join(directory, 'file'), '')
    const spy = spied({ ...config, stateDir: join(directory, 'file') }, directory)
    const error = await refusal(plugin.open(spy.config, host, op))
    expect([error.code, error.facts]).to.deep.equal(['config-invalid', { field: 'stateDir' }])
    expect(await spy.calls('C_Login')).to.equal(0)
  })

  it('a state directory that no lock can be made in stops it too, and root leaves the lock to who owns the directory', async () => {
    const spy = spied(config, directory)
    const serial = await withProvider(spy.config, async provider => (await provider.capabilities(op)).token.serial)
    const lock = `login.${serial}.lock`
    expect((await readdir(config.stateDir)).filter(name => name.startsWith('login.'))).to.deep.equal([lock])
    const other = { ...spy.config, stateDir: join(directory, 'other') }
    await mkdir(join(other.stateDir, lock), { recursive: true })
    const error = await refusal(plugin.open(other, host, op))
    expect([error.code, error.facts]).to.deep.equal(['config-invalid', { field: 'stateDir' }])
    expect(await spy.calls('C_Login')).to.equal(1)
    // only root can give files away
    if (process.geteuid?.() !== 0) return
    const owned = { ...config, stateDir: join(directory, 'owned') }
    await mkdir(owned.stateDir, { mode: 0o700 })
    await chown(owned.stateDir, 1, 1)
    await withProvider(owned, async () => {})
    const { uid, mode } = await stat(join(owned.stateDir, lock))
    expect([uid, mode & 0o777]).to.deep.equal([1, 0o600])
  })

  it('the PIN comes from a systemd credential as well', async () => {
    const before = process.env['CREDENTIALS_DIRECTORY']
    const credential: Config = { ...config, pin: { credential: 'pin' } }
    try {
      delete process.env['CREDENTIALS_DIRECTORY']
      expect((await refusal(plugin.open(credential, host, op))).facts).to.deep.equal({ field: 'pin' })
      process.env['CREDENTIALS_DIRECTORY'] = join(directory, 'token')
      await withProvider(credential, async provider => expectSigns(provider, await sealedKey(provider)))
    } finally {
      delete process.env['CREDENTIALS_DIRECTORY']
      if (before !== undefined) process.env['CREDENTIALS_DIRECTORY'] = before
    }
  })

  it('the PIN comes from the operator as well, through the appliance, and is wiped', async () => {
    const operator: Config = { ...config, pin: { operator: true } }
    expect((await refusal(plugin.open(operator, host, op))).facts).to.deep.equal({ field: 'pin' })
    const right = (await readFile(join(directory, 'token', 'pin'))).subarray(0, 40)
    const lent: Uint8Array[] = []
    const asking = (pin: Uint8Array) => ({
      ...host,
      secret: async () => {
        const copy = Uint8Array.from(pin)
        lent.push(copy)
        return copy
      },
    })
    const spy = spied(operator, directory)
    for (let time = 0; time < 3; time++)
      expect((await refusal(plugin.open(spy.config, asking(Buffer.from('wrong')), op))).code).to.equal('pin-refused')
    expect(await spy.calls('C_Login')).to.equal(1)
    expect((await refusal(plugin.open(operator, asking(Buffer.alloc(0)), op))).code).to.equal('config-invalid')
    const provider = await plugin.open(operator, asking(right), op)
    try {
      await expectSigns(provider, await sealedKey(provider))
    } finally {
      await provider[Symbol.asyncDispose]()
    }
    expect(lent).to.have.length(5)
    for (const each of lent) expect(each.every(byte => byte === 0)).to.equal(true)
  })

  it('a PIN file that is missing, empty, not text or open to everybody is a fault of the configuration', async () => {
    const files = {
      empty: await writeFile(join(directory, 'empty'), '\n', { mode: 0o600 }),
      binary: await writeFile(join(directory, 'binary'), Buffer.from([0xff, 0xfe]), { mode: 0o600 }),
      open: await writeFile(join(directory, 'open'), 'a-pin\n', { mode: 0o644 }),
      missing: undefined,
    }
    for (const name of Object.keys(files)) {
      const spy = spied(withPinFile(join(directory, name)), directory)
      const error = await refusal(plugin.open(spy.config, host, op))
      expect([name, error.code, error.facts]).to.deep.equal([name, 'config-invalid', { field: 'pin' }])
      expect(await spy.calls('C_Login')).to.equal(0)
    }
  })
})
