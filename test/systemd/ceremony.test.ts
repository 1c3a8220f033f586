import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { until } from '../drills/support/until.ts'
import { type Account, apiAccount, hsmAccount, Machine } from './support/machine.ts'
import { inPrivateUsers } from './support/private-users.ts'

const root = process.getuid?.() === 0

interface Shown {
  readonly verified: boolean
  readonly digest: string
  readonly journal: { readonly seq: number } | null
  readonly keys: readonly { readonly key: string; readonly verdict: string }[]
}

describe('a key ceremony', function () {
  this.timeout(120_000)
  let machine: Machine
  let hsm: ChildProcess | undefined
  // only root can be two others
  const [api, hosts]: readonly (Account | undefined)[] = root ? [apiAccount, hsmAccount] : []

  before(async () => {
    machine = await Machine.make({ separate: root })
  })
  after(async () => {
    await stop(hsm)
    await machine[Symbol.asyncDispose]()
  })

  const stop = async (child: ChildProcess | undefined): Promise<void> => {
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  }
  const data = (): string => machine.file('lib/warder')
  const transcripts = async (): Promise<string[]> =>
    (await readdir(data())).filter(name => name.startsWith('ceremony-')).toSorted()
  const journal = (): Promise<string> => readFile(join(data(), 'journal', '0000000000000000.log'), 'utf8')
  const verify = async (file: string): Promise<{ code: number | null; shown: Shown; stderr: string }> => {
    const { code, stdout, stderr } = await machine.run('warder-hsm', ['ceremony', 'verify', file, '--format', 'json'])
    return { code, shown: (stdout === '' ? {} : JSON.parse(stdout)) as Shown, stderr }
  }
  /** As the service manager does with LoadCredential. */
  const lend = async (credential: string, to: Account | undefined): Promise<Record<string, string>> => {
    const directory = machine.file(`given-${credential}`)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await copyFile(machine.file(`etc/credentials/${credential}`), join(directory, credential))
    if (to !== undefined) for (const path of [directory, join(directory, credential)]) await chown(path, to.uid, to.gid)
    return { CREDENTIALS_DIRECTORY: directory }
  }
  let first = ''

  it('does nothing where a name could not stand in the transcript, or the file is there', async () => {
    for (const [flags, said] of [
      [['--present', 'Ada\nKey warder/kek/9'], 'A name is 1 to 100 characters on one line'],
      [['--transcript', machine.config], 'is there already'],
    ] as const) {
      const { code, stderr } = await machine.run('warder-hsm', ['init', '--new-token', ...flags])
      expect([code, stderr.includes(said)], stderr).to.deep.equal([1, true])
    }
    expect(await readdir(machine.file('hsm/tokens'))).to.deep.equal([])
  })

  it('leaves a transcript of what was done, for the user of the API and for nobody else', async () => {
    const present = ['--present', 'Ada Lovelace', '--present', 'Grace Hopper']
    const { code, stderr } = await machine.run('warder-hsm', ['init', '--new-token', ...present])
    expect(code, stderr).to.equal(0)
    const [name = '', ...others] = await transcripts()
    expect([name, others]).to.satisfy(
      ([one, none]: [string, []]) => /^ceremony-\d{8}T\d{9}Z\.txt$/.test(one) && none.length === 0,
    )
    first = join(data(), name)
    const { mode, uid } = await stat(first)
    expect([mode & 0o777, uid]).to.deep.equal([0o600, api?.uid ?? process.getuid?.()])
    const text = await readFile(first, 'utf8')
    expect(text)
      .to.match(/^ {2}Ada Lovelace +_{30}/m)
      .and.to.match(/^ {2}Grace Hopper$/m)
    expect(text).to.match(/^ {2}initialised the token warder, serial [0-9a-f]{16}$/m)
    expect(text).to.match(/^ {2}hsm\.config\.pin: credential hsm-pin, from \/.*$/m)
    expect(text).to.match(/^Package lock {5}SHA-256 [0-9a-f]{64}$/m)
    expect(text.match(/^Key .*$/gm)).to.deep.equal([
      'Key warder/kek/1',
      'Key warder/export-kek/1',
      'Key warder/import-kek/1',
      'Key warder/store/1',
    ])
    for (const pin of ['hsm-pin', 'hsm-so-pin'])
      expect(text).not.to.contain((await readFile(machine.file(`etc/credentials/${pin}`), 'utf8')).trim())
  })

  it('makes no transcript of a run that did nothing, unless one is asked for', async () => {
    expect((await machine.run('warder-hsm', ['init'])).code).to.equal(0)
    expect(await transcripts()).to.have.length(1)
  })

  it('is in the journal once the appliance is initialised', async () => {
    // makes the directory that the hosts serve in
    expect((await machine.run('warder', ['init'])).stderr).to.contain('warder-hsm does not run')
    const child = machine.start('warder-hsm', ['serve', '--config', machine.config], {
      through: hosts && inPrivateUsers(hosts),
      environment: await lend('hsm-pin', hosts),
    })
    hsm = child
    let log = ''
    child.stdout?.resume()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    await until('the HSM hosts are up', 30_000, async () => {
      if (child.exitCode !== null) throw new Error(log)
      return /"host":1,.*HSM host is ready/.test(log)
    })
    const { code, stderr } = await machine.run('warder', ['init', '--admin-key-file', machine.file('admin.key')])
    expect(code, stderr).to.equal(0)
    expect((await journal()).match(/"action":"hsm:ceremony"/g)).to.have.length(1)
    const { code: verified, shown, stderr: said } = await verify(first)
    expect([verified, shown.verified], said).to.deep.equal([0, true])
    expect(shown.keys.map(({ verdict }) => verdict)).to.deep.equal(['same', 'same', 'same', 'same'])
    expect(await journal()).to.contain(`"subject":{"digest":"${shown.digest}"}`)
  })

  it('is refused as a transcript when one character of it was changed', async () => {
    const text = await readFile(first, 'utf8')
    const forged = machine.file('forged.txt')
    await writeFile(forged, text.replace('Ada Lovelace', 'Eve Lovelace'))
    const { code, stderr } = await verify(forged)
    expect([code, /was changed: its SHA-256 is/.test(stderr)], stderr).to.deep.equal([1, true])
  })

  it('is told apart from one that the journal does not know, until that is recorded', async () => {
    const file = machine.file('second.txt')
    const again = await machine.run('warder-hsm', ['init', '--present', 'Ada Lovelace', '--transcript', file])
    expect(again.code, again.stderr).to.equal(0)
    expect(await readFile(file, 'utf8')).to.match(/^ {2}nothing: what is listed below was there before$/m)
    const before = await verify(file)
    expect([before.code, before.shown.verified, before.shown.journal]).to.deep.equal([1, false, null])
    for (const said of ['journaled the transcript', 'nothing was changed']) {
      const { code, stderr } = await machine.run('warder', ['init', '--transcript', file])
      expect([code, stderr.includes(said)], stderr).to.deep.equal([0, true])
    }
    expect((await verify(file)).shown.verified).to.equal(true)
    expect((await journal()).match(/"action":"hsm:ceremony"/g)).to.have.length(2)
  })

  it('is journaled at the next start when its transcript is in the data directory', async () => {
    const { code, stderr } = await machine.run('warder-hsm', ['init', '--present', 'Grace Hopper'])
    expect(code, stderr).to.equal(0)
    const [, name = ''] = await transcripts()
    expect((await verify(join(data(), name))).shown.journal).to.equal(null)
    const serving = machine.start('warder', ['serve', '--config', machine.config], {
      as: api,
      environment: await lend('tls-key', api),
    })
    let log = ''
    serving.stdout?.resume()
    serving.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    try {
      await until('the appliance serves', 30_000, async () => {
        if (serving.exitCode !== null) throw new Error(log)
        return log.includes('"serving"')
      })
      expect((await verify(join(data(), name))).shown).to.deep.include({ verified: true })
    } finally {
      await stop(serving)
    }
  })
})
