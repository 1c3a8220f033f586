import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SealedRef } from '@warder/contract'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig, type SupervisorConfig } from '../../src/hsm/config.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import { isWorn } from '../../src/hsm/wear.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'
import { until } from './support/until.ts'

const op = () => ({ signal: new AbortController().signal })

describe('recycling of HSM hosts', function () {
  this.timeout(120_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervisor | undefined
  let client: HsmClient | undefined

  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(async () => {
    await client?.[Symbol.asyncDispose]()
    await supervisor?.[Symbol.asyncDispose]()
    client = supervisor = undefined
    await dir.remove()
  })

  const start = async (config: SupervisorConfig) => {
    supervisor = await startSupervisor(config, keepLog())
    await supervisor.settled
    client = connectHsm({ runDir: dir.path, hosts: config.hosts, timeoutMs: 30_000 })
    await until('all hosts', async () => (await client!.health(op())).detail.startsWith(`${config.hosts} of`))
    return client
  }
  const pids = () => supervisor!.status.hosts.map(host => host.pid)

  /** Wraps, sixteen at a time, until the condition holds: answers how many were wrapped, and what failed. */
  const wrapUntil = async (hsm: HsmClient, condition: () => boolean) => {
    const spec = { algorithm: 'AES-256', usage: 'wrap', custody: 'sealed', exportable: false } as const
    const { ref } = await hsm.generate({ ...spec, id: randomBytes(16).toString('hex') }, op())
    const failed: unknown[] = []
    let wrapped = 0
    const lane = async () => {
      while (!condition()) {
        await hsm.wrap(ref as SealedRef, Buffer.from('some bytes'), op()).then(
          () => wrapped++,
          (error: unknown) => failed.push(error),
        )
      }
    }
    await Promise.all(Array.from({ length: 16 }, lane))
    return { wrapped, failed }
  }

  it('replaces one host after the other under load, and no request fails', async () => {
    const token = join(dir.path, 'token')
    await mkdir(token, { mode: 0o700 })
    const plugin = { specifier: '@warder/hsm-pkcs11', config: await createSoftHsmToken(token) }
    const hsm = await start(parseSupervisorConfig({ runDir: dir.path, plugin, recycleCalls: 100 }))
    const first = pids()
    const seen: string[] = []
    const replaced = () => {
      const { hosts } = supervisor!.status
      seen.push(hosts.map(host => host.state).join(' '))
      return hosts.every(({ pid, state }, index) => state === 'ready' && pid !== null && pid !== first[index])
    }
    const { failed, wrapped } = await wrapUntil(hsm, replaced)
    expect(failed).to.deep.equal([])
    expect(wrapped).to.be.above(200)
    // one was always ready
    expect(seen.filter(states => !states.includes('ready'))).to.deep.equal([])
    expect(seen.some(states => states.includes('recycling'))).to.equal(true)
  })

  it('bridges the pause where there is one host alone', async () => {
    const specifier = new URL('./support/faulty-plugin.ts', import.meta.url).href
    const starts = join(dir.path, 'starts')
    const plugin = { specifier, config: { starts } }
    const hsm = await start(parseSupervisorConfig({ runDir: dir.path, plugin, hosts: 1, recycleCalls: 200 }))
    const [first] = pids()
    const { failed } = await wrapUntil(hsm, () => {
      const [host] = supervisor!.status.hosts
      return host?.state === 'ready' && host.pid !== first
    })
    expect(failed).to.deep.equal([])
    expect((await readFile(starts, 'utf8')).trim().split('\n').length).to.be.at.least(2)
  })

  it('is decided by calls, by memory, or not at all', () => {
    expect(isWorn({ calls: 99, grownMiB: 9 }, { recycleCalls: 100, recycleRssMiB: 10 })).to.equal(false)
    expect(isWorn({ calls: 100, grownMiB: 0 }, { recycleCalls: 100, recycleRssMiB: 10 })).to.equal(true)
    expect(isWorn({ calls: 0, grownMiB: 10 }, { recycleCalls: 100, recycleRssMiB: 10 })).to.equal(true)
    expect(isWorn({ calls: 1e9, grownMiB: 1e6 }, { recycleCalls: 0, recycleRssMiB: 0 })).to.equal(false)
    expect(isWorn({ calls: 1e9, grownMiB: 1e6 }, {})).to.equal(false)
  })
})
