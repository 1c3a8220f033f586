import { expect } from 'chai'
import { dropInNotes, dropInsFor, type Reach } from '../../src/config/drop-ins.ts'

const needs = (
  storage: Record<string, unknown>,
  hsm: Record<string, unknown> = {},
  reach: { readonly storage: Reach; readonly hsm: Reach } = { storage: undefined, hsm: [] },
) =>
  dropInsFor(
    {
      storage: { plugin: 'p', config: storage },
      hsm: {
        plugin: 'p',
        config: { module: '/usr/lib/softhsm/libsofthsm2.so', ...hsm },
        runDir: '/r',
        hosts: 2,
        watchdogMs: 2000,
        recycleCalls: 0,
        recycleRssMiB: 0,
      },
    },
    reach,
  ).map(({ file, because }) => `${file}: ${because}`)

describe('drop-ins that a configuration calls for', () => {
  it('none for SQLite and SoftHSM2', () => {
    expect(needs({ file: '/var/lib/warder/store.sqlite' })).to.deep.equal([])
  })

  it('one for a database that is named by a URL or a host', () => {
    const expected = (name: string) => [`database-over-tcp.conf: storage.config.${name} names a network address`]
    expect(needs({ url: 'postgres://warder@db.example.com/warder' })).to.deep.equal(expected('url'))
    expect(needs({ connection: { host: 'db.example.com' } })).to.deep.equal(expected('connection.host'))
  })

  it('none for a database behind a unix socket', () => {
    expect(needs({ url: 'postgres:///warder?host=/run/postgresql', other: { host: '/run/postgresql' } })).to.deep.equal(
      [],
    )
    expect(needs({ url: 'postgres://%2Frun%2Fpostgresql/warder' })).to.deep.equal([])
  })

  it('one for a PKCS#11 module that may use a network', () => {
    const unknown = { storage: undefined, hsm: undefined }
    expect(needs({}, { module: '/opt/hsm/libcknfast.so' }, unknown)).to.deep.equal([
      'network-hsm.conf: libcknfast.so may reach its token over a network',
    ])
  })

  it('one for a PIN that is with the operator', () => {
    expect(needs({}, { pin: { operator: true } })).to.deep.equal([
      'operator-pin.conf: hsm.config.pin leaves the PIN to the operator, and the unit wants a credential',
    ])
    expect(needs({}, { pin: { credential: 'hsm-pin' } })).to.deep.equal([])
  })

  it('one for a collector that spans go to, also on this machine', () => {
    const plugins = {
      storage: { plugin: 'p', config: {} },
      hsm: { plugin: 'p', config: {}, runDir: '/r', hosts: 2, watchdogMs: 2000, recycleCalls: 0, recycleRssMiB: 0 },
      tracing: { endpoint: 'http://127.0.0.1:4318/v1/traces', ratio: 1, headers: {} },
    }
    expect(dropInsFor(plugins, { storage: [], hsm: [] })).to.deep.equal([
      { unit: 'warder.service', file: 'tracing.conf', because: 'tracing.endpoint names 127.0.0.1:4318' },
    ])
  })

  it('asks the plugins, whose word counts more than how a configuration looks', () => {
    const configs = [{ url: 'postgres://db.example.com/warder' }, { host: 'hsm.example.com' }] as const
    expect(needs(...configs, { storage: [], hsm: [] })).to.deep.equal([])
    expect(needs({}, {}, { storage: ['network'], hsm: ['network', 'device'] })).to.deep.equal([
      'database-over-tcp.conf: p says that it uses the network',
      'network-hsm.conf: p says that it uses the network',
      'hsm-device.conf: p says that it uses a device',
    ])
  })

  it('says where to put it, and notices when it is there', () => {
    const needed = [{ unit: 'warder.service', file: 'database-over-tcp.conf', because: 'so' }] as const
    expect(dropInNotes(needed, '/nowhere')).to.deep.equal([
      {
        severity: 'note',
        place: '/nowhere/warder.service.d/database-over-tcp.conf',
        message: 'This drop-in is needed, as so: copy it from /usr/share/doc/warder/examples/database-over-tcp.conf.',
      },
    ])
  })
})
