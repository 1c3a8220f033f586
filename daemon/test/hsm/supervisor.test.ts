import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WarderError, type WarderCode } from '@warder/contract'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { parseSupervisorConfig, type SupervisorConfig } from '../../src/hsm/config.ts'
import { readStatus } from '../../src/hsm/status.ts'
import { startSupervisor, type Supervisor } from '../../src/hsm/supervisor.ts'
import type { FaultyConfig } from './support/faulty-plugin.ts'
import { keepLog } from './support/kept-log.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const op = { signal: new AbortController().signal }
/** What has ended counts as such also when whoever took it in has not looked for it yet (proc(5)). */
const alive = (pid: number) => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

describe('hsm supervisor', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let supervisor: Supervisor | undefined
  let client: HsmClient | undefined
  let program: ChildProcess | undefined

  const configure = (more: Partial<SupervisorConfig> = {}, plugin: Partial<FaultyConfig> = {}): SupervisorConfig =>
    parseSupervisorConfig({
      runDir: dir.path,
      plugin: {
        specifier: new URL('./support/faulty-plugin.ts', import.meta.url).href,
        config: { starts: join(dir.path, 'starts'), ...plugin },
      },
      ...more,
    })
  const starts = async () => (await readFile(join(dir.path, 'starts'), 'utf8')).trim().split('\n').map(Number)
  const pids = () => supervisor!.status.hosts.map(host => host.pid!)

  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(async () => {
    await client?.[Symbol.asyncDispose]()
    await supervisor?.[Symbol.asyncDispose]()
    program?.kill('SIGKILL')
    client = supervisor = program = undefined
    await dir.remove()
  })

  it('starts its hosts one after another and says so in a private status file', async () => {
    supervisor = await startSupervisor(configure(), keepLog())
    await until('one host ready', () => supervisor!.status.hosts[0]!.state === 'ready')
    expect(await starts()).to.have.length(1)
    await supervisor.settled
    const status = await readStatus(dir.path)
    expect(status?.state).to.equal('serving')
    expect(status?.hosts.map(host => [host.index, host.state])).to.deep.equal([
      [0, 'ready'],
      [1, 'ready'],
    ])
    expect(await starts()).to.deep.equal(status?.hosts.map(host => host.pid))
    expect((await stat(join(dir.path, 'hsm-status.json'))).mode & 0o777).to.equal(0o600)
    for (const host of status!.hosts) expect((await stat(host.socket)).mode & 0o777).to.equal(0o600)
  })

  it('ends its hosts when closed, twice is once, and a new one may follow', async () => {
    supervisor = await startSupervisor(configure({ hosts: 1 }), keepLog())
    await supervisor.settled
    const [pid] = pids()
    await supervisor[Symbol.asyncDispose]()
    await supervisor[Symbol.asyncDispose]()
    expect(alive(pid!)).to.equal(false)
    expect((await readStatus(dir.path))?.state).to.equal('stopped')
    supervisor = await startSupervisor(configure({ hosts: 1 }), keepLog())
    await supervisor.settled
    expect(supervisor.status.state).to.equal('serving')
  })

  it('can be closed while a host is starting', async () => {
    supervisor = await startSupervisor(configure(), keepLog())
    await until('a process', () => supervisor!.status.hosts[0]!.pid !== null)
    const [pid] = pids()
    await supervisor[Symbol.asyncDispose]()
    expect(alive(pid!)).to.equal(false)
  })

  it('refuses to run beside another supervisor', async () => {
    supervisor = await startSupervisor(configure({ hosts: 1 }), keepLog())
    const error = await rejection(startSupervisor(configure({ hosts: 1 }), keepLog()))
    expect(WarderError.is(error, 'config-invalid')).to.equal(true)
    expect(error.facts).to.deep.equal({ field: 'runDir', reason: 'already-running' })
  })

  it('refuses a directory that others may enter', async () => {
    await chmod(dir.path, 0o750)
    const error = await rejection(startSupervisor(configure(), keepLog()))
    expect(error.code).to.equal('config-invalid')
  })

  for (const code of ['pin-refused', 'not-initialised', 'config-invalid'] satisfies WarderCode[]) {
    it(`starts exactly one host when that meets ${code}, and none again until told so`, async () => {
      supervisor = await startSupervisor(configure({}, { refuse: code }), keepLog())
      await supervisor.settled
      expect(supervisor.status.state).to.equal('refused')
      expect(supervisor.status.hosts[0]!.error?.code).to.equal(code)
      client = connectHsm({ runDir: dir.path, hosts: 2 })
      const before = performance.now()
      const error = await rejection(client.random(8, op))
      expect(performance.now() - before).to.be.below(500)
      expect([error.code, error.facts]).to.deep.equal(['hsm-unavailable', { reason: code, outcome: 'not-started' }])
      expect((await client.health(op)).ok).to.equal(false)
      expect((await rejection(client.ready(op))).code).to.equal('hsm-unavailable')
      // longer than several respawns would take; nothing to wait for, as nothing may happen
      await rejection(until('a second start', async () => (await starts()).length > 1, 1500))
      expect((await rejection(supervisor.unseal())).code).to.equal(code)
      expect(await starts()).to.have.length(2)
    })
  }

  it('does not start a plugin again that cannot be loaded', async () => {
    const plugin = { specifier: 'no-such-plugin', config: {} }
    supervisor = await startSupervisor(configure({ hosts: 1, plugin }), keepLog())
    await supervisor.settled
    expect(supervisor.status.state).to.equal('refused')
    expect(supervisor.status.hosts[0]!.error?.code).to.equal('plugin-failed')
  })

  it('tries again and again where a failure may pass', async () => {
    supervisor = await startSupervisor(configure({ hosts: 1 }, { refuse: 'hsm-unavailable' }), keepLog())
    await until('three starts', async () => (await starts().catch(() => [])).length >= 3)
    expect(supervisor.status.state).to.equal('starting')
    expect((await readStatus(dir.path))?.hosts[0]!.error?.code).to.equal('hsm-unavailable')
  })

  const startProgram = async () => {
    const main = fileURLToPath(new URL('./support/supervisor-main.ts', import.meta.url))
    program = spawn(process.execPath, [...process.execArgv, main, JSON.stringify(configure())], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    await until('both hosts ready', async () => {
      const status = await readStatus(dir.path)
      return status?.hosts.length === 2 && status.hosts.every(host => host.state === 'ready')
    })
    return starts()
  }

  it('takes its hosts along when it is killed, and what it leaves does not hinder the next', async () => {
    const hosts = await startProgram()
    program!.kill('SIGKILL')
    await until('no host left', () => !hosts.some(alive))
    supervisor = await startSupervisor(configure(), keepLog())
    await supervisor.settled
    expect(supervisor.status.state).to.equal('serving')
  })

  it('ends with its parent when asked to, and its hosts with it', async () => {
    const hosts = await startProgram()
    const ended = new Promise(resolve => program!.once('exit', resolve))
    program!.stdin!.end()
    expect(await ended).to.equal(0)
    expect(hosts.some(alive)).to.equal(false)
  })

  it('ends on SIGTERM in good order', async () => {
    const hosts = await startProgram()
    const ended = new Promise(resolve => program!.once('exit', resolve))
    program!.kill('SIGTERM')
    expect(await ended).to.equal(0)
    expect(hosts.some(alive)).to.equal(false)
    expect((await readStatus(dir.path))?.state).to.equal('stopped')
  })

  describe('of two tokens', () => {
    const two = (second: Partial<FaultyConfig>, first: Partial<FaultyConfig> = {}) => {
      const { plugin, ...others } = configure({ hosts: 4 }, first)
      const config = plugin.config as FaultyConfig
      const peers = [{ ...config, ...second, starts: join(dir.path, 'starts-1') }]
      return { ...others, plugin: { ...plugin, peers } }
    }
    const states = () => supervisor!.status.hosts.map(({ token, state }) => `${token} ${state}`)

    it('starts hosts for each by turns, and tells which is for which', async () => {
      supervisor = await startSupervisor(two({}), keepLog())
      await supervisor.settled
      expect(states()).to.deep.equal(['0 ready', '1 ready', '0 ready', '1 ready'])
      expect(await starts()).to.deep.equal([pids()[0], pids()[2]])
      expect((await readStatus(dir.path))?.hosts.map(({ token }) => token)).to.deep.equal([0, 1, 0, 1])
    })

    it('goes on with one when the other has refused its PIN, which no other host presents again', async () => {
      supervisor = await startSupervisor(two({ refuse: 'pin-refused' }), keepLog())
      await supervisor.settled
      expect(states()).to.deep.equal(['0 ready', '1 failed', '0 ready', '1 waiting'])
      expect(supervisor.status.state).to.equal('serving')
      const [first] = pids()
      process.kill(first!, 'SIGKILL')
      await until('a new host', () => states()[0] === '0 ready' && pids()[0] !== first)
      const tried = await readFile(join(dir.path, 'starts-1'), 'utf8')
      expect(tried.trim().split('\n')).to.have.length(1)
    })

    it('tries the other again when told to, and says what it was refused with', async () => {
      supervisor = await startSupervisor(two({ refuse: 'pin-refused' }), keepLog())
      await supervisor.settled
      expect((await rejection(supervisor.unseal())).code).to.equal('pin-refused')
      expect(states()).to.deep.equal(['0 ready', '1 failed', '0 ready', '1 waiting'])
    })

    it('starts the hosts of one while the other never ends opening', async () => {
      supervisor = await startSupervisor(two({ neverOpens: false }, { neverOpens: true }), keepLog())
      await until('the other is ready', () => states()[1] === '1 ready' && states()[3] === '1 ready')
      expect(states()[0]).to.equal('0 starting')
    })

    it('refuses a plugin whose tokens cannot share root keys, before it opens anything', async () => {
      const config = two({})
      const specifier = new URL('./support/unshared-plugin.ts', import.meta.url).href
      supervisor = await startSupervisor({ ...config, plugin: { ...config.plugin, specifier } }, keepLog())
      await supervisor.settled
      expect(supervisor.status.state).to.equal('refused')
      const { error } = supervisor.status.hosts[0]!
      expect([error?.code, error?.facts['fault']]).to.deep.equal(['plugin-failed', 'missing-capability'])
      expect(error?.message).to.contain('[[hsm.tokens]]')
    })
  })
})
