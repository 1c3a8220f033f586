import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig } from '../../src/hsm/config.ts'
import { faults } from './support/faulty-plugin.ts'
import { watchLoop } from './support/loop-delay.ts'
import { makeRunDir } from './support/run-dir.ts'
import { startSupervised, type Supervised } from './support/supervised.ts'
import { rejection, until } from './support/until.ts'

const digest = new Uint8Array(32)
const op = () => ({ signal: new AbortController().signal })
const keyOf = (id: string) => ({ custody: 'resident', algorithm: 'P-256', usage: 'sign', id }) as const

describe('hsm host faults', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervised
  let count: number
  let client: HsmClient

  const start = async (hosts: number) => {
    dir = await makeRunDir()
    const specifier = new URL('./support/faulty-plugin.ts', import.meta.url).href
    const plugin = { specifier, config: { starts: join(dir.path, 'starts') } }
    supervisor = await startSupervised(parseSupervisorConfig({ runDir: dir.path, hosts, plugin }))
    count = hosts
    client = connectHsm({ runDir: dir.path, hosts, limits: { window: 600 } })
    await allConnected()
  }
  const allConnected = () =>
    until('all hosts', async () => {
      const { detail } = await client.health(op())
      return detail.startsWith(`${count} of`) && detail.endsWith('in memory')
    })
  const starts = async () => (await readFile(join(dir.path, 'starts'), 'utf8')).trim().split('\n').map(Number)

  afterEach(async () => {
    await client[Symbol.asyncDispose]()
    await supervisor.stop()
    await dir.remove()
  })

  it('a host killed with calls in flight: they reject within 2 s, service returns within 10 s, our event loop stays free', async () => {
    await start(1)
    const stopWatching = watchLoop()
    const calls = Array.from({ length: 500 }, () => rejection(client.sign(keyOf(faults.queued), 'ES256', digest, op())))
    await client.random(1, op())
    const pid = (await supervisor.hosts())[0]!.pid!
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    const errors = await Promise.all(calls)
    expect(performance.now() - killedAt).to.be.below(2000)
    for (const error of errors) {
      expect(error.code).to.equal('hsm-unavailable')
      expect(error.facts).to.include({ outcome: 'unknown' })
    }
    await until('service', async () =>
      client.random(1, op()).then(
        () => true,
        () => false,
      ),
    )
    expect(performance.now() - killedAt).to.be.below(10_000)
    const delay = stopWatching()
    expect(delay.busyMs, JSON.stringify(delay)).to.be.below(50)
  })

  it('a host that dies in a call: that call alone is lost, and never repeated elsewhere', async () => {
    await start(2)
    const error = await rejection(client.sign(keyOf(faults.crash), 'ES256', digest, op()))
    expect(error.facts).to.deep.equal({ reason: 'host-lost', outcome: 'unknown' })
    for (let n = 0; n < 20; n++) await client.random(1, op())
    await allConnected()
    expect(await starts()).to.have.length(3)
  })

  it('a host that hangs in a call: the watchdog replaces it, and meanwhile the other serves', async () => {
    await start(2)
    const began = performance.now()
    const hanging = rejection(client.sign(keyOf(faults.hang), 'ES256', digest, op()))
    for (let n = 0; n < 20; n++) await client.random(1, op())
    expect(performance.now() - began).to.be.below(1000)
    expect((await hanging).code).to.equal('hsm-unavailable')
    expect(performance.now() - began).to.be.within(1500, 4000)
    await allConnected()
  })

  it('a stopped host is silent, so it is replaced', async () => {
    await start(1)
    const pid = (await supervisor.hosts())[0]!.pid!
    process.kill(pid, 'SIGSTOP')
    expect((await rejection(client.random(1, op()))).code).to.equal('hsm-unavailable')
    await until('another host', async () => {
      const [host] = await supervisor.hosts()
      return host!.state === 'ready' && host!.pid !== pid
    })
    await allConnected()
  })
})
