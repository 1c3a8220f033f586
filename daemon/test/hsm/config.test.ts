import { expect } from 'chai'
import { parseSupervisorConfig } from '../../src/hsm/config.ts'

const good = { runDir: '/run/warder', plugin: { specifier: '@warder/hsm-pkcs11', config: {} } }

describe('hsm configuration', () => {
  it('has two hosts and two seconds of patience unless told otherwise', () => {
    expect(parseSupervisorConfig(good)).to.deep.equal({ ...good, hosts: 2, watchdogMs: 2000 })
  })

  for (const [field, wrong] of Object.entries({
    runDir: { runDir: 'run' },
    hosts: { hosts: 17 },
    watchdogMs: { watchdogMs: 1 },
    'plugin.specifier': { plugin: { specifier: '', config: {} } },
    hsm: { pin: '1234' },
  })) {
    it(`names the field that is wrong: ${field}`, () => {
      expect(() => parseSupervisorConfig({ ...good, ...wrong }))
        .to.throw()
        .with.deep.property('facts', { field })
    })
  }
})
