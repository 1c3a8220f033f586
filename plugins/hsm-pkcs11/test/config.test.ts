import { expect } from 'chai'
import { ConfigSchema } from '../src/config.ts'
import { plugin } from '../src/plugin.ts'

const smallest = {
  module: '/usr/lib/softhsm/libsofthsm2.so',
  token: { label: 'warder' },
  pin: { file: '/etc/warder/pin' },
  stateDir: '/var/lib/warder/hsm',
}

describe('the configuration', () => {
  it('fills in what is not said', () => {
    expect(ConfigSchema.parse(smallest)).to.deep.equal({
      ...smallest,
      environment: {},
      sessions: { max: 32 },
      cache: { entries: 256, ttl: 900 },
    })
  })

  it('is the plugin’s own schema, as any loader reads it', async () => {
    expect(await plugin.config['~standard'].validate(smallest)).to.have.property('value')
    expect(await plugin.config['~standard'].validate({ ...smallest, pni: 1 })).to.have.property('issues')
  })

  const refused: ReadonlyArray<readonly [string, object]> = [
    ['an unknown field', { label: 'x' }],
    ['a relative module', { module: 'libsofthsm2.so' }],
    ['no token', { token: {} }],
    ['a token by label and by serial', { token: { label: 'a', serial: 'b' } }],
    ['a slot', { token: { slot: 0 } }],
    ['a PIN', { pin: '1234' }],
    ['a PIN inside', { pin: { value: '1234' } }],
    ['two places of a PIN', { pin: { file: '/pin', credential: 'pin' } }],
    ['a credential that is a path', { pin: { credential: '../pin' } }],
    ['a relative state directory', { stateDir: 'state' }],
    ['a variable that is no name', { environment: { 'A=B': 'c' } }],
    ['no sessions', { sessions: { max: 0 } }],
    ['no cache', { cache: { entries: 0 } }],
  ]
  for (const [what, change] of refused) {
    it(`refuses ${what}`, () => {
      expect(ConfigSchema.safeParse({ ...smallest, ...change }).success).to.equal(false)
    })
  }
})
