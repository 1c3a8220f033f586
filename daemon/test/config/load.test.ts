import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { stringify } from 'smol-toml'
import { loadConfig } from '../../src/config/load.ts'

const whole = {
  node: 'node-1',
  dataDir: '/var/lib/warder',
  listen: { host: '127.0.0.1', port: 8443 },
  tls: { certificate: '/etc/warder/server.pem', key: '/etc/warder/server.key' },
  plugins: { allow: ['@warder/storage-sqlite'] },
  storage: { plugin: '@warder/storage-sqlite', config: { file: '/var/lib/warder/store.sqlite' } },
  hsm: { plugin: '@warder/hsm-pkcs11', runDir: '/run/warder' },
}

describe('loadConfig', () => {
  let dir: string
  let file: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warder-config-'))
    file = join(dir, 'warder.toml')
  })
  after(() => rm(dir, { recursive: true, force: true }))

  async function refusalOf(text: string): Promise<WarderError> {
    await writeFile(file, text)
    const error = await loadConfig(file).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!WarderError.is(error, 'config-invalid')) throw new Error('it was not refused as config-invalid')
    return error
  }

  it('reads a configuration and fills in what has a default', async () => {
    await writeFile(file, stringify(whole))
    expect(await loadConfig(file)).to.deep.equal({
      ...whole,
      hsm: { ...whole.hsm, config: {}, hosts: 2, watchdogMs: 2000 },
    })
  })

  it('names a file that cannot be read', async () => {
    const missing = join(dir, 'missing.toml')
    const error = await loadConfig(missing).catch((thrown: unknown) => thrown)
    expect(WarderError.is(error, 'config-invalid')).to.equal(true)
    expect(String(error)).to.include(`${missing}: cannot be read`)
  })

  it('names the line of what is not TOML, and quotes none of it', async () => {
    const error = await refusalOf('node = "a"\ndataDir = "/x"\npin = 1234 5678\n')
    expect(error.message).to.match(/^.*warder\.toml: is not TOML at line 3, column \d+$/)
    expect(error.message).to.not.include('1234')
  })

  const wrong: readonly (readonly [string, object, string])[] = [
    ['an unknown table', { ...whole, secrets: {} }, 'the top level: '],
    ['an unknown key of a table', { ...whole, tls: { ...whole.tls, pin: 'x' } }, 'tls: '],
    ['a missing table', { ...whole, hsm: undefined }, 'hsm: '],
    ['a missing key', { ...whole, hsm: { plugin: 'x' } }, 'hsm.runDir: '],
    ['a relative path', { ...whole, dataDir: 'data' }, 'dataDir: must be an absolute path'],
    [
      'a relative path in a table',
      { ...whole, tls: { ...whole.tls, key: './key' } },
      'tls.key: must be an absolute path',
    ],
    ['a port out of range', { ...whole, listen: { ...whole.listen, port: 65_536 } }, 'listen.port: '],
    ['a port that is a text', { ...whole, listen: { ...whole.listen, port: '8443' } }, 'listen.port: '],
    ['a node that is no host name', { ...whole, node: 'a b' }, 'node: must be a host name'],
    ['no allowed plugin', { ...whole, plugins: { allow: [] } }, 'plugins.allow: '],
    ['an allowed plugin without a name', { ...whole, plugins: { allow: ['x', ''] } }, 'plugins.allow.1: '],
    ['no HSM host', { ...whole, hsm: { ...whole.hsm, hosts: 0 } }, 'hsm.hosts: '],
    ['a watchdog that is too hasty', { ...whole, hsm: { ...whole.hsm, watchdogMs: 10 } }, 'hsm.watchdogMs: '],
  ]
  for (const [what, config, said] of wrong)
    it(`${what}: names the file and the field`, async () => {
      const error = await refusalOf(stringify(config))
      expect(error.message).to.include(`${file}: ${said}`)
    })

  it('an unknown key is named, so that a misspelt one can be found', async () => {
    const { message } = await refusalOf(stringify({ ...whole, listne: {} }))
    expect(message).to.include('listne')
  })
})
