import { expect } from 'chai'
import { refusal } from '../../plugins/hsm-pkcs11/test/support.ts'
import { TokenServer } from '../support/token-server.ts'
import { until } from '../support/until.ts'
import { HsmSite, type Served } from './support/hsm-site.ts'
import type { SigningLoad } from './support/signing-load.ts'

const op = { signal: new AbortController().signal }

describe('a token in a server of its own', function () {
  this.timeout(60_000)
  let site: HsmSite
  let server: TokenServer
  let served: Served

  before(async () => {
    site = await HsmSite.make()
    server = await TokenServer.start(site.token, site.directory)
    served = await site.start(await site.supervision({ config: server.config }))
  })
  after(async () => {
    await site[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  /** Every message is another one, so the token must see none twice; and it sees those that were answered. */
  async function expectNoneTwice(load: SigningLoad, before: number): Promise<void> {
    const asked = (await server.calls('C_Sign')) - before
    expect(load.wrong).to.equal(0)
    expect(asked).to.be.within(load.signed, load.signed + load.unknown)
    const inputs = await server.signedInputs()
    expect(inputs.length).to.be.at.least(load.signed)
    expect(new Set(inputs).size).to.equal(inputs.length)
  }

  it('killed in the middle of calls: they end typed, other hosts take over by themselves, and nothing is signed twice', async () => {
    const key = await served.residentKey()
    const before = await server.calls('C_Sign')
    const load = await served.underLoad(key, async ({ codes }) => {
      await server.kill()
      await until('calls that failed', () => codes.size > 0)
      await server.start()
    })
    await expectNoneTwice(load, before)
    expect([...load.codes]).to.deep.equal(['hsm-unavailable'])
  })

  it('hung: the watchdog ends the hosts, calls end typed, and all is well when it goes on', async () => {
    const key = await served.residentKey()
    const before = await server.calls('C_Sign')
    const load = await served.underLoad(key, async ({ codes }) => {
      const hung = await served.pids()
      server.hang()
      await until('calls that failed', () => codes.size > 0)
      await until('the end of both hosts', async () => !(await served.pids()).some(pid => hung.includes(pid)))
      server.resume()
    })
    await expectNoneTwice(load, before)
    expect(['hsm-unavailable', 'hsm-timeout']).to.include.members([...load.codes])
  })

  it('whose users are killed again and again: it signs for them what they answer, and nothing twice', async () => {
    const key = await served.residentKey()
    const before = await server.calls('C_Sign')
    const load = await served.signing(
      key,
      async () => {
        for (let time = 0; time < 2; time++) {
          const hosts = await served.pids()
          for (const pid of hosts) process.kill(pid, 'SIGKILL')
          await served.whole(hosts)
        }
      },
      64,
    )
    expect(load.unknown).to.be.greaterThan(0)
    await expectNoneTwice(load, before)
  })

  it('whose key was replaced under its id while the hosts were replaced too: refused, and the other key never used', async () => {
    const { ref, spki } = await served.residentKey()
    if (ref.custody !== 'resident' || spki === undefined) throw new TypeError('not a resident pair')
    await served.client.destroy(ref, op)
    await served.residentKey(ref.id)
    const hosts = await served.pids()
    for (const pid of hosts) process.kill(pid, 'SIGKILL')
    await served.whole(hosts)
    const before = await server.calls('C_SignInit')
    for (let time = 0; time < 4; time++) {
      const error = await refusal(served.client.sign({ ...ref, identity: spki }, 'ES256', new Uint8Array(32), op))
      expect([error.code, error.facts]).to.deep.equal([
        'hsm-key-missing',
        { id: ref.id, reason: 'another key has this id' },
      ])
    }
    expect(await server.calls('C_SignInit')).to.equal(before)
  })
})
