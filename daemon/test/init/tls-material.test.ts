import { X509Certificate } from 'node:crypto'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Config, configSchema } from '../../src/config/schema.ts'
import { ensureTls, renewTls } from '../../src/init/tls-material.ts'
import { readTlsFiles } from '../../src/serve/tls-pair.ts'
import { configDirectory, type ConfigDirectory } from '../config/support.ts'

describe('TLS material of an authority of the appliance’s own', () => {
  let dir: ConfigDirectory
  let config: Config
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const file = (name: string) => join(dir.path, name)

  beforeEach(async () => {
    dir = await configDirectory()
    said.length = 0
    config = configSchema.parse({
      node: 'n1',
      dataDir: file('data'),
      credentialsDir: file('credentials'),
      listen: { host: '::', port: 8443 },
      tls: {
        certificate: file('tls/server.pem'),
        key: 'credential:tls-key',
        internalCa: { directory: file('ca'), hosts: ['warder.example.com', '192.0.2.1'] },
      },
      plugins: { allow: ['p'] },
      storage: { plugin: 'p' },
      hsm: { plugin: 'p', runDir: file('run') },
    })
  })
  afterEach(() => dir[Symbol.asyncDispose]())

  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: Error) => error.message,
    )
  const modeOf = async (name: string) => ((await stat(file(name))).mode & 0o777).toString(8)

  it('is made once: authority, certificate for the hosts, key as the credential, and the CA where callers find it', async () => {
    await ensureTls(config, undefined, say)
    const leaf = new X509Certificate(await readFile(file('tls/server.pem')))
    const ca = new X509Certificate(await readFile(file('tls/ca.pem')))
    expect([leaf.verify(ca.publicKey), leaf.checkHost('warder.example.com'), leaf.checkIP('192.0.2.1')]).to.deep.equal([
      true,
      'warder.example.com',
      '192.0.2.1',
    ])
    await readTlsFiles(file('tls/server.pem'), file('credentials/tls-key'))
    expect(
      await Promise.all(
        ['ca', 'ca/ca.key', 'credentials', 'credentials/tls-key', 'tls/server.pem', 'tls/ca.pem'].map(modeOf),
      ),
    ).to.deep.equal(['700', '600', '700', '600', '644', '644'])
    expect(said).to.have.lengthOf(2)
  })

  it('is kept when it is there', async () => {
    await ensureTls(config, undefined, say)
    const before = await readFile(file('tls/server.pem'), 'utf8')
    said.length = 0
    await ensureTls(config, undefined, say)
    expect([await readFile(file('tls/server.pem'), 'utf8'), said]).to.deep.equal([before, []])
  })

  it('is not overwritten when only half of it is there', async () => {
    await ensureTls(config, undefined, say)
    await rm(file('tls/server.pem'))
    const key = await readFile(file('credentials/tls-key'), 'utf8')
    expect(await failure(ensureTls(config, undefined, say))).to.match(/Nothing was overwritten/)
    expect(await readFile(file('credentials/tls-key'), 'utf8')).to.equal(key)
  })

  it('is renewed by the same authority, with a new key', async () => {
    await ensureTls(config, undefined, say)
    const key = await readFile(file('credentials/tls-key'), 'utf8')
    const ca = await readFile(file('tls/ca.pem'), 'utf8')
    await renewTls(config, undefined, say)
    expect(await readFile(file('tls/ca.pem'), 'utf8')).to.equal(ca)
    expect(await readFile(file('credentials/tls-key'), 'utf8')).not.to.equal(key)
    const leaf = new X509Certificate(await readFile(file('tls/server.pem')))
    expect(leaf.verify(new X509Certificate(ca).publicKey)).to.equal(true)
    await readTlsFiles(file('tls/server.pem'), file('credentials/tls-key'))
  })

  it('cannot be renewed where there is no such authority, or none yet', async () => {
    expect(await failure(renewTls(config, undefined, say))).to.match(/run warder init/)
    const { certificate, key } = config.tls
    const tls = { certificate, key }
    expect(await failure(renewTls({ ...config, tls }, undefined, say))).to.match(/tls\.internalCa is not configured/)
  })

  it('is not made where the configuration asks for none', async () => {
    const { certificate, key } = config.tls
    const tls = { certificate, key }
    await ensureTls({ ...config, tls }, undefined, say)
    expect(said).to.deep.equal([])
  })
})
