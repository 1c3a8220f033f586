import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { expect } from 'chai'
import { until } from '../drills/support/until.ts'
import { type Account, apiAccount, hsmAccount, Machine, type StartOptions } from './support/machine.ts'
import { inPrivateUsers } from './support/private-users.ts'

const root = process.getuid?.() === 0
const withinMs = 30_000

interface Sides {
  readonly name: string
  readonly separate: boolean
  readonly api?: Account
  readonly hsm?: Account
}

const oneUser: Sides = { name: 'one user for everything', separate: false }
// only root can be two others
const twoUsers: Sides = {
  name: 'a user for the API, another for the HSM',
  separate: true,
  api: apiAccount,
  hsm: hsmAccount,
}

for (const { name, separate, api, hsm } of root ? [oneUser, twoUsers] : [oneUser])
  describe(`a first installation with ${name}`, function () {
    this.timeout(120_000)
    let machine: Machine
    const running: ChildProcess[] = []
    let adminKey = ''

    before(async () => {
      machine = await Machine.make({ separate })
    })
    after(async () => {
      await Promise.all(running.map(stop))
      await machine[Symbol.asyncDispose]()
    })

    /** As the service manager does with LoadCredential. */
    const lend = async (credential: string, to: Account | undefined): Promise<Record<string, string>> => {
      const directory = machine.file(`given-${credential}`)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await copyFile(machine.file(`etc/credentials/${credential}`), join(directory, credential))
      if (to !== undefined)
        for (const path of [directory, join(directory, credential)]) await chown(path, to.uid, to.gid)
      return { CREDENTIALS_DIRECTORY: directory }
    }
    const start = (program: 'warder' | 'warder-hsm', options: StartOptions) => {
      const child = machine.start(program, ['serve', '--config', machine.config], options)
      running.push(child)
      child.stdout?.resume()
      let log = ''
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
      const says = (what: RegExp) =>
        until(`${program} says ${what.source}`, withinMs, async () => {
          if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`)
          return what.test(log)
        })
      return { child, says, log: () => log }
    }
    const errorsOf = (output: string) => output.split('\n').filter(line => line.startsWith('error: '))

    it('begins with a check that says everything that is missing', async () => {
      const { code, stdout } = await machine.run('warder', ['config', 'check'])
      expect(code).to.equal(1)
      expect(
        errorsOf(stdout).map(line => line.replace(`${machine.dir}/`, '').replace(/:.*: /, ': ')),
      ).to.include.members(['error: run warder init.'])
    })

    it('prepares no token without a PIN, unless told to make a new one', async () => {
      const { code, stderr } = await machine.run('warder-hsm', ['init'])
      expect([code, stderr.includes("put the token's PIN there (mode 0600), or use --new-token")]).to.deep.equal([
        1,
        true,
      ])
    })

    it('makes a token with PINs and root keys, once', async () => {
      const first = await machine.run('warder-hsm', ['init', '--new-token'])
      expect(first.code, first.stderr).to.equal(0)
      expect(first.stderr).to.match(/made a PIN: .*initialised the token warder, serial \w+\n.*made the root keys/s)
      const pin = await readFile(machine.file('etc/credentials/hsm-pin'), 'utf8')
      expect(pin).to.match(/^[0-9a-f]{40}\n$/)
      expect(first.stderr).not.to.contain(pin.trim())
      const second = await machine.run('warder-hsm', ['init', '--new-token'])
      expect([second.code, second.stderr]).to.deep.equal([0, 'the token was prepared before; nothing was changed\n'])
      expect(await readFile(machine.file('etc/credentials/hsm-pin'), 'utf8')).to.equal(pin)
      for (const token of await readdir(machine.file('hsm/tokens')))
        expect((await stat(machine.file(`hsm/tokens/${token}`))).uid).to.equal(hsm?.uid ?? process.getuid?.())
    })

    it('wants the HSM hosts to run first', async () => {
      const { code, stderr } = await machine.run('warder', ['init', '--admin-key-file', machine.file('admin.key')])
      expect([code, /warder-hsm does not run\. Start it/.test(stderr)]).to.deep.equal([1, true])
      expect(await readdir(machine.dir)).not.to.include('admin.key')
    })

    it('runs the HSM hosts with the PIN they were given', async () => {
      const environment = await lend('hsm-pin', hsm)
      const { says } = start('warder-hsm', { through: hsm && inPrivateUsers(hsm), environment })
      await says(/"host":1,.*HSM host is ready/)
      const { mode, gid } = await stat(machine.file('run/hsm/hsm-0.sock'))
      expect((mode & 0o777).toString(8)).to.equal(separate ? '660' : '600')
      if (api !== undefined) expect(gid).to.equal(api.gid)
    })

    it('lets root and the user of the HSM hosts seal and unseal it, and nobody else', async () => {
      for (const as of [hsm, undefined]) {
        for (const [command, state] of [
          ['seal', 'sealed'],
          ['unseal', 'serving'],
        ] as const) {
          const { code, stdout, stderr } = await machine.run('warder', [command, '--format', 'json'], { as })
          expect(code, stderr).to.equal(0)
          expect(JSON.parse(stdout)).to.include({ changed: true, state, pin: 'configured' })
        }
      }
      expect((await stat(machine.file('run/hsm/control.sock'))).mode & 0o777).to.equal(0o600)
      if (api === undefined) return
      const { code, stderr } = await machine.run('warder', ['seal'], { as: api })
      expect([code, stderr]).to.deep.equal([
        1,
        'warder: Only root and the user of warder-hsm may do this [forbidden]\n',
      ])
    })

    it('shows the administrator’s key to a terminal or a new file, and makes none when there is neither', async () => {
      const { code, stdout, stderr } = await machine.run('warder', ['init'])
      expect([code, stdout, /would have nowhere to go/.test(stderr)]).to.deep.equal([1, '', true])
      // nothing but what warder-hsm init has left there
      expect((await readdir(machine.file('lib/warder'))).join()).to.match(/^ceremony-\w+\.txt$/)
      const made = await machine.run('warder', ['init', '--admin-key-file', machine.file('admin.key')])
      expect([made.code, made.stdout]).to.deep.equal([0, ''])
      adminKey = (await readFile(machine.file('admin.key'), 'utf8')).trim()
      expect(adminKey).to.match(/^wrd_/)
      expect(made.stderr).not.to.contain(adminKey)
      for (const file of await readdir(machine.file('lib/warder')))
        expect((await stat(machine.file(`lib/warder/${file}`))).uid, file).to.equal(api?.uid ?? process.getuid?.())
    })

    it('changes nothing when run again, in any form', async () => {
      const again = [
        ['init'],
        ['init', '--admin-key-file', machine.file('admin.key')],
        ['init', '--admin-key-file', machine.file('other.key')],
      ]
      for (const args of again) {
        const { code, stderr } = await machine.run('warder', args)
        expect([code, stderr]).to.deep.equal([0, 'initialised before; nothing was changed\n'])
      }
      expect((await readFile(machine.file('admin.key'), 'utf8')).trim()).to.equal(adminKey)
      expect(await readdir(machine.dir)).not.to.include('other.key')
    })

    it('ends with a check that is content', async () => {
      const { code, stdout } = await machine.run('warder', ['config', 'check'])
      expect([code, stdout]).to.deep.equal([0, `${machine.config}: ok\n`])
    })

    if (api !== undefined) {
      it('ends with one that is content too where the unit runs it before a reload, and says what only root can see', async () => {
        const { code, stdout } = await machine.run('warder', ['config', 'check'], { through: inPrivateUsers(api) })
        const unseen = ['tls-key', 'hsm-pin'].map(
          file =>
            `note: ${machine.file(`etc/credentials/${file}`)}: Only root can check this: run warder config check as root.`,
        )
        expect([code, stdout.trim().split('\n')]).to.deep.equal([0, [...unseen, `${machine.config}: ok`]])
      })
    }

    const served: readonly (readonly [string, StartOptions])[] = [['as it is', { as: api }]]
    const alone =
      api === undefined ? [] : [['where it knows only root and itself', { through: inPrivateUsers(api) }] as const]
    for (const [how, options] of [...served, ...alone])
      it(`serves ${how}`, async () => {
        const environment = await lend('tls-key', api)
        const { child, says, log } = start('warder', { ...options, environment })
        await says(/"message":"serving"/)
        const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(log())?.[1])
        const ca = await readFile(machine.file('etc/tls/ca.pem'))
        expect(await create(port, ca, adminKey, `k${how.length}`)).to.equal(201)
        await stop(child)
        expect(child.exitCode).to.equal(0)
      })

    if (separate) {
      it('is served by nobody else than the user it belongs to', async () => {
        const { code, stderr } = await machine.run('warder', ['serve'])
        expect([code, /This is to be run by nobody, whom user names/.test(stderr)]).to.deep.equal([1, true])
      })
    }

    it('is refused by an older version, with its data untouched', async () => {
      const file = machine.file('lib/warder/format.json')
      const before = await readFile(file, 'utf8')
      await writeFile(file, '{"format":1000}\n')
      const { code, stderr } = await machine.run('warder', ['serve'], {
        as: api,
        environment: await lend('tls-key', api),
      })
      expect([code, /A downgrade is not possible/.test(stderr)]).to.deep.equal([1, true])
      await writeFile(file, before)
    })

    it('has its certificate renewed', async () => {
      const before = await readFile(machine.file('etc/tls/server.pem'), 'utf8')
      const { code, stderr } = await machine.run('warder', ['tls', 'renew'])
      expect([code, /systemctl restart warder/.test(stderr)]).to.deep.equal([0, true])
      expect(await readFile(machine.file('etc/tls/server.pem'), 'utf8')).not.to.equal(before)
      expect((await machine.run('warder', ['config', 'check'])).code).to.equal(0)
    })
  })

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/** Makes a key, and answers the status. */
function create(port: number, ca: Buffer, apiKey: string, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const path = '/v1/spaces/default/keys'
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', ca, headers, agent: false }, response => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', reject)
    asked.end(JSON.stringify({ name, algorithm: 'P-256', custody: 'sealed' }))
  })
}
