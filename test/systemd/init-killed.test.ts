import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { until } from '../drills/support/until.ts'
import { Machine } from './support/machine.ts'
import { statusWith } from './support/api-status.ts'

const withinMs = 30_000

describe('warder init, killed while it makes the first administrator', function () {
  this.timeout(180_000)
  let machine: Machine
  let hosts: ChildProcess
  let credentials: (name: string) => Promise<Record<string, string>>

  before(async () => {
    machine = await Machine.make({ separate: false })
    credentials = async name => {
      const directory = machine.file(`given-${name}`)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await copyFile(machine.file(`etc/credentials/${name}`), join(directory, name))
      return { CREDENTIALS_DIRECTORY: directory }
    }
    expect((await machine.run('warder-hsm', ['init', '--new-token'])).code).to.equal(0)
    // TLS material and directories
    await machine.run('warder', ['init', '--admin-key-file', machine.file('no-hosts.key')])
    hosts = await serving('warder-hsm', /"host":1,.*HSM host is ready/, await credentials('hsm-pin'))
  })
  after(async () => {
    await stop(hosts)
    await machine[Symbol.asyncDispose]()
  })

  const keyFile = (): string => machine.file('admin.key')
  const contentOf = () => readFile(keyFile(), 'utf8').catch(() => undefined)
  const init = () => ['init', '--admin-key-file', keyFile(), '--config', machine.config]

  async function serving(program: 'warder' | 'warder-hsm', says: RegExp, environment: Record<string, string>) {
    const child = machine.start(program, ['serve', '--config', machine.config], { environment })
    let log = ''
    child.stdout?.resume()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    await until(`${program} serves`, withinMs, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`)
      return says.test(log)
    })
    return Object.assign(child, { log: () => log })
  }

  /** Kills it as soon as the key file is there, wherever it is by then. */
  async function killedSoon(): Promise<void> {
    const child = machine.start('warder', init())
    child.stdout?.resume()
    child.stderr?.resume()
    const ended = once(child, 'exit')
    await until('the file is there', withinMs, async () => child.exitCode !== null || (await contentOf()) !== undefined)
    child.kill('SIGKILL')
    await ended
  }

  /** Has it kill itself right there. */
  async function killed(moment: 'before' | 'after'): Promise<void> {
    const program = fileURLToPath(new URL('./support/init-that-dies.ts', import.meta.url))
    const args = [...process.execArgv, program, machine.config, keyFile(), moment]
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    await once(child, 'exit')
    expect(child.signalCode).to.equal('SIGKILL')
  }

  async function keyWorks(): Promise<void> {
    const key = (await contentOf())?.trim() ?? ''
    expect(key).to.match(/^wrd_/)
    const api = await serving('warder', /"message":"serving"/, await credentials('tls-key'))
    try {
      const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(api.log())?.[1])
      expect(await statusWith(port, await readFile(machine.file('etc/tls/ca.pem')), key)).to.equal(200)
    } finally {
      await stop(api)
    }
  }

  async function beginAnew(): Promise<void> {
    for (const name of ['lib/warder/journal', 'lib/warder', 'admin.key'])
      await rm(machine.file(name), { recursive: true, force: true })
  }

  const moments = [
    ['at some moment after the file was reserved', killedSoon],
    ['just before the key is written', () => killed('before')],
    ['just after the key was written', () => killed('after')],
  ] as const
  for (const [moment, kill] of moments)
    it(`${moment}: run again it makes the key that the file then holds work`, async () => {
      await beginAnew()
      await kill()
      const before = await contentOf()
      const { code, stderr } = await machine.run('warder', ['init', '--admin-key-file', keyFile()])
      expect(code, stderr).to.equal(0)
      if (before) expect(await contentOf()).to.equal(before)
      expect((await stat(keyFile())).mode & 0o777).to.equal(0o600)
      await keyWorks()
    })

  it('a key in the file that is none of this appliance is not taken for one of its own', async () => {
    await beginAnew()
    const foreign = `wrd_0123456789abcdef_${'A'.repeat(54)}\n`
    await writeFile(keyFile(), foreign, { mode: 0o600 })
    const { code, stderr } = await machine.run('warder', ['init', '--admin-key-file', keyFile()])
    expect([code, /holds the key of another appliance/.test(stderr)], stderr).to.deep.equal([1, true])
    expect(await contentOf()).to.equal(foreign)
    // the journal was begun by now, and there is no administrator
    const without = await machine.run('warder', ['init'])
    expect([without.code, /nowhere to go/.test(without.stderr)], without.stderr).to.deep.equal([1, true])
    await rm(keyFile())
    expect((await machine.run('warder', ['init', '--admin-key-file', keyFile()])).code).to.equal(0)
    await keyWorks()
  })
})

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
