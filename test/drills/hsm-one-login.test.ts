import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '@warder/hsm-pkcs11'
import { quietHost } from '@warder/testkit'
import { expect } from 'chai'
import type { SupervisorConfig } from '../../daemon/src/hsm/config.ts'
import { startSupervisor, type Supervisor } from '../../daemon/src/hsm/supervisor.ts'
import { refusal, spied } from '../../plugins/hsm-pkcs11/test/support.ts'
import { HsmSite } from './support/hsm-site.ts'

describe('C_Login, as the token sees it,', function () {
  this.timeout(60_000)
  let site: HsmSite
  beforeEach(async () => {
    site = await HsmSite.make()
  })
  afterEach(() => site[Symbol.asyncDispose]())

  const supervising = async (
    config: SupervisorConfig,
    use: (supervisor: Supervisor) => Promise<void>,
  ): Promise<void> => {
    const supervisor = await startSupervisor(config, quietHost().log)
    try {
      await supervisor.settled
      await use(supervisor)
    } finally {
      await supervisor[Symbol.asyncDispose]()
    }
  }

  it('comes once with a wrong PIN, over three hosts, restarts, an unseal and another supervisor of the same state', async () => {
    const file = join(site.directory, 'wrong-pin')
    await writeFile(file, '00000000', { mode: 0o600 })
    const wrong: Config = { ...site.token, pin: { file } }
    const spy = spied(wrong, site.directory)
    const runs = ['run', 'run', 'other-run']
    for (const run of runs) {
      const config = { ...(await site.supervision({ config: spy.config }, run)), hosts: 3 }
      await supervising(config, async supervisor => {
        expect(supervisor.status.state).to.equal('refused')
        expect((await refusal(supervisor.unseal())).code).to.equal('pin-refused')
      })
    }
    expect(await spy.calls('C_Initialize')).to.equal(2 * runs.length)
    expect(await spy.calls('C_Login')).to.equal(1)
  })

  it('comes from one supervisor of a run directory: a second is refused before it touches the token', async () => {
    const spy = spied(site.token, site.directory)
    const config = await site.supervision({ config: spy.config })
    await supervising(config, async ({ status }) => {
      expect(status.state).to.equal('serving')
      const second = await refusal(startSupervisor(config, quietHost().log))
      expect(second.facts).to.deep.equal({ field: 'runDir', reason: 'already-running' })
    })
    expect(await spy.calls('C_Initialize')).to.equal(config.hosts)
    expect(await spy.calls('C_Login')).to.equal(config.hosts)
  })

  it('may come from two supervisors at once, each of its own run directory: both serve the same keys', async () => {
    const configs = [await site.supervision({}, 'one'), await site.supervision({}, 'two')]
    const both = await Promise.all(configs.map(config => site.start(config)))
    const key = await both[0]!.residentKey()
    const loads = await Promise.all(both.map(served => served.signing(key, async () => undefined)))
    for (const { wrong, failed } of loads) expect([wrong, failed]).to.deep.equal([0, 0])
  })
})
