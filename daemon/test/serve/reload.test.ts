import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { configSchema, type Config } from '../../src/config/schema.ts'
import { levelLog } from '../../src/serve/leveled-log.ts'
import { type InForce, reload } from '../../src/serve/reload.ts'
import { keepLog } from '../hsm/support/kept-log.ts'

const config: Config = configSchema.parse({
  node: 'n1',
  dataDir: '/d',
  listen: { host: '127.0.0.1', port: 1 },
  tls: { certificate: '/c', key: '/k' },
  plugins: { allow: ['p'] },
  storage: { plugin: 'p' },
  hsm: { plugin: 'p', runDir: '/r' },
})
const notAfter = new Date('2030-01-01T00:00:00Z')
const before: InForce = { config, tls: { fingerprint: 'one', notAfter } }

async function reloadTo(load: () => Promise<Config>, fingerprint = 'one') {
  const kept = keepLog()
  const log = levelLog(kept, 'info')
  const privateKeyPem = Buffer.from('secret')
  let used = 0
  const after = await reload(before, {
    log,
    load,
    readTls: async () => ({ certificatePem: 'c', privateKeyPem, fingerprint, notAfter }),
    useTls: () => void used++,
  })
  expect(privateKeyPem.every(byte => byte === 0) || after === before, 'the key is zeroed').to.equal(true)
  return {
    after,
    used,
    level: log.level,
    said: kept.lines.map(({ message, fields }) => [message, fields['changed'] ?? fields['error']]),
  }
}

describe('reload', () => {
  it('says so when nothing has changed', async () => {
    const { used, said } = await reloadTo(async () => config)
    expect([used, said]).to.deep.equal([0, [['reloaded: no change', undefined]]])
  })

  it('takes the log level over', async () => {
    const { level, said } = await reloadTo(async () => ({ ...config, log: { level: 'debug' } }))
    expect([level, said]).to.deep.equal(['debug', [['reloaded', 'log.level']]])
  })

  it('takes a new certificate over, also behind the same name', async () => {
    const { after, used, said } = await reloadTo(async () => config, 'two')
    expect([after.tls.fingerprint, used, said]).to.deep.equal(['two', 1, [['reloaded', 'the certificate']]])
  })

  it('says what waits for a restart, and goes on saying it', async () => {
    const changed = { ...config, node: 'n2', listen: { host: '127.0.0.1', port: 2 } }
    const { after, said } = await reloadTo(async () => changed)
    expect(said).to.deep.equal([['changed, and in force after a restart only', 'listen.port, node']])
    expect(after.config.node).to.equal('n1')
  })

  it('keeps everything when the new configuration is wrong', async () => {
    const wrong = () => Promise.reject(new WarderError('config-invalid', 'x.toml:1:1: wrong'))
    const { after, used, level, said } = await reloadTo(wrong, 'two')
    expect(after).to.equal(before)
    expect([used, level]).to.deep.equal([0, 'info'])
    expect(said).to.deep.equal([['the configuration was not reloaded; the one in force stays', 'x.toml:1:1: wrong']])
  })
})

describe('a log whose level changes', () => {
  it('leaves out what is below the level of the moment', () => {
    const kept = keepLog()
    const log = levelLog(kept, 'warn')
    log.info('no')
    log.warn('yes')
    log.level = 'debug'
    log.debug('now')
    expect(kept.lines.map(({ message }) => message)).to.deep.equal(['yes', 'now'])
  })
})
