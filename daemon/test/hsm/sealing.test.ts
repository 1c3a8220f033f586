import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig, type SupervisorConfig } from '../../src/hsm/config.ts'
import { readStatus } from '../../src/hsm/status.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import { type FaultyConfig, faults } from './support/faulty-plugin.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const op = { signal: new AbortController().signal }
const bytes = (text: string) => Uint8Array.from(Buffer.from(text))
const right = 'the right one'

describe('a supervisor that is sealed and unsealed', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervisor
  let client: HsmClient | undefined

  const start = async (plugin: Partial<FaultyConfig> = {}) => {
    const specifier = new URL('./support/faulty-plugin.ts', import.meta.url).href
    const config: SupervisorConfig = parseSupervisorConfig({
      runDir: dir.path,
      plugin: { specifier, config: { starts: join(dir.path, 'starts'), ...plugin } },
    })
    supervisor = await startSupervisor(config, keepLog())
    await supervisor.settled
  }
  const withOperator = () => start({ pin: { operator: true }, wants: right })
  const starts = async () =>
    (await readFile(join(dir.path, 'starts'), 'utf8').catch(() => '')).split('\n').filter(line => line !== '').length
  const states = () => supervisor.status.hosts.map(host => host.state)

  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(async () => {
    await client?.[Symbol.asyncDispose]()
    client = undefined
    await supervisor[Symbol.asyncDispose]()
    await dir.remove()
  })

  it('begins sealed where the operator has the PIN: nothing is started, and calls are told so at once', async () => {
    await withOperator()
    expect((await readStatus(dir.path))?.state).to.equal('sealed')
    expect(await starts()).to.equal(0)
    client = connectHsm({ runDir: dir.path, hosts: 2 })
    const error = await rejection(client.random(8, op))
    expect([error.code, error.facts]).to.deep.equal(['sealed', { outcome: 'not-started' }])
    expect((await rejection(client.ready(op))).code).to.equal('sealed')
    expect((await client.health(op)).detail).to.include('warder unseal')
    expect((await rejection(supervisor.unseal())).code).to.equal('malformed-request')
    expect(await starts()).to.equal(0)
  })

  it('starts its hosts with the operator’s PIN, also one that has died, and zeroes nothing of the caller’s', async () => {
    await withOperator()
    const pin = bytes(right)
    expect(await supervisor.unseal(pin)).to.equal(true)
    expect(Buffer.from(pin).toString()).to.equal(right)
    expect(states()).to.deep.equal(['ready', 'ready'])
    pin.fill(0)
    process.kill(supervisor.status.hosts[1]!.pid!, 'SIGKILL')
    await until('a third start', async () => (await starts()) === 3)
    await until('both ready', () => states().every(state => state === 'ready'))
    expect(await supervisor.unseal(bytes('any'))).to.equal(false)
    expect(await starts()).to.equal(3)
  })

  it('lets one host try a wrong PIN, forgets it, stays sealed, and tries another one once', async () => {
    await withOperator()
    for (const [wrong, count] of [
      ['wrong', 1],
      ['wrong as well', 2],
    ] as const) {
      expect((await rejection(supervisor.unseal(bytes(wrong)))).code).to.equal('pin-refused')
      expect(supervisor.status.state).to.equal('sealed')
      expect(await starts()).to.equal(count)
    }
    // longer than several respawns would take; nothing to wait for, as nothing may happen
    await rejection(until('a start that nobody asked for', async () => (await starts()) > 2, 1500))
    expect((await readStatus(dir.path))?.hosts[0]!.error?.code).to.equal('pin-refused')
    await supervisor.unseal(bytes(right))
    expect(states()).to.deep.equal(['ready', 'ready'])
    expect(supervisor.status.hosts[0]!.error).to.equal(undefined)
  })

  it('seals at once, whatever its hosts do, and forgets the PIN', async () => {
    await withOperator()
    await supervisor.unseal(bytes(right))
    client = connectHsm({ runDir: dir.path, hosts: 2 })
    await client.ready(op)
    const hang = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: faults.hang } as const
    const hung = rejection(client.sign(hang, 'ES256', new Uint8Array(32), op))
    const began = performance.now()
    await supervisor.seal()
    // it takes 0.8 s where a host hangs; closing would give that 8 s
    expect(performance.now() - began).to.be.below(4000)
    // sealed: its host heard of the seal first, and never began it
    expect((await hung).code).to.be.oneOf(['hsm-unavailable', 'sealed'])
    expect(supervisor.status.hosts.map(({ pid, state }) => [pid, state])).to.deep.equal([
      [null, 'stopped'],
      [null, 'stopped'],
    ])
    const status = await readStatus(dir.path)
    expect([status?.state, status?.seals]).to.deep.equal(['sealed', 2])
    expect((await rejection(client.random(8, op))).code).to.equal('sealed')
    expect((await rejection(supervisor.unseal())).code).to.equal('malformed-request')
    expect(await starts()).to.equal(2)
    await supervisor.unseal(bytes(right))
    expect(await client.random(8, op)).to.have.length(8)
  })

  it('seals while hosts are starting, which ends the unseal', async () => {
    await start({ pin: { operator: true }, neverOpens: true })
    const unsealing = rejection(supervisor.unseal(bytes('any')))
    await until('a host that opens', async () => (await starts()) === 1)
    expect((await rejection(supervisor.unseal(bytes('any')))).message).to.include('under way')
    await Promise.all([supervisor.seal(), supervisor.seal()])
    expect((await unsealing).code).to.equal('sealed')
    expect(states()).to.deep.equal(['stopped', 'stopped'])
    expect(await starts()).to.equal(1)
  })

  it('reads a configured PIN again, and takes none from the operator', async () => {
    await start()
    expect(states()).to.deep.equal(['ready', 'ready'])
    await supervisor.seal()
    expect((await rejection(supervisor.unseal(bytes('any')))).code).to.equal('malformed-request')
    expect(await supervisor.unseal()).to.equal(true)
    expect(states()).to.deep.equal(['ready', 'ready'])
    expect(await starts()).to.equal(4)
  })

  it('starts a host that died while sealing no more', async () => {
    await start()
    const [first] = supervisor.status.hosts.map(host => host.pid!)
    process.kill(first!, 'SIGKILL')
    await until('its death', () => states()[0] === 'waiting')
    await supervisor.seal()
    // longer than several respawns would take; nothing to wait for, as nothing may happen
    await rejection(until('a start', async () => (await starts()) > 2, 1000))
    expect(states()).to.deep.equal(['stopped', 'stopped'])
  })
})
