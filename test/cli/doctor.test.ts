import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { run, Shell } from './support/cli.ts'

interface Report {
  readonly problems: number
  readonly warnings: number
  readonly notChecked: number
  readonly findings: readonly { check: string; status: string; found: string; why?: string; fix?: string }[]
}

describe('warder doctor', function () {
  this.timeout(120_000)
  let shell: Shell
  before(async () => {
    shell = await Shell.start()
  })
  after(() => shell[Symbol.asyncDispose]())

  const config = (): string => join(shell.appliance.dir, 'warder.toml')
  const doctor = (...args: string[]) => shell.run(['doctor', '--config', config(), ...args])

  it('finds no problem with an appliance that is well: a line for each thing, and a sum', async () => {
    const { code, stdout, stderr } = await doctor()
    expect({ code, stderr }, stdout).to.deep.equal({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    for (const line of [
      'ok           configuration: loads; nobody else may write it',
      'ok           HSM hosts: host 0 is ready',
      'ok           token: login: the PIN is accepted',
      'ok           token: known answer: AES-256-GCM: right (GCM test case 16)',
    ])
      expect(lines).to.include(line)
    expect(stdout).to.match(/^ok {11}journal: \d+ records verify, /m)
    expect(stdout).to.match(/^not checked {2}units: the units serve another configuration than /m)
    expect(lines.at(-2)).to.match(/^0 problems, \d+ warnings?, \d+ not checked$/)
    expect(stdout).to.not.match(/wrd_[0-9a-f]{16}_/)
  })

  it('says the same as JSON and as YAML, for programs', async () => {
    const json = await doctor('--format', 'json')
    const yaml = await doctor('--format', 'yaml')
    expect([json.code, yaml.code, json.stderr, yaml.stderr]).to.deep.equal([0, 0, '', ''])
    const { problems, notChecked, findings } = JSON.parse(json.stdout) as Report
    expect(problems).to.equal(0)
    expect(notChecked).to.equal(findings.filter(({ status }) => status === 'not-checked').length)
    expect(yaml.stdout).to.match(
      /^problems: 0\nwarnings: \d+\nnotChecked: \d+\nfindings:\n {2}- check: configuration\n/,
    )
    expect([...yaml.stdout.matchAll(/^ {4}status: (.*)$/gm)].map(([, status]) => status)).to.deep.equal(
      findings.map(({ status }) => status),
    )
  })

  it('ends with 1 when there is a problem, and names the command that mends it, which does', async () => {
    const data = join(shell.appliance.dir, 'data')
    await chmod(data, 0o755)
    const { code, stdout } = await doctor('--format', 'json')
    const { findings, problems } = JSON.parse(stdout) as Report
    expect([code, problems]).to.deep.equal([1, 1])
    const { check, fix } = findings.find(({ status }) => status === 'problem') ?? {}
    expect([check, fix]).to.deep.equal(['files', `chmod 0700 ${data}`])
    const text = await doctor()
    expect(text.stdout).to.include(`PROBLEM      files: ${data}: `)
    expect(text.stdout).to.include(`             fix: chmod 0700 ${data}\n`)
    await chmod(data, 0o700)
    expect((await doctor()).code).to.equal(0)
  })

  it('calls nothing well when the configuration does not load', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'warder-doctor-'))
    try {
      await mkdir(join(dir, 'config'))
      const args = ['doctor', '--config', join(dir, 'none.toml'), '--format', 'json']
      const { code, stdout } = await run(dir, args)
      const { findings } = JSON.parse(stdout) as Report
      expect(code).to.equal(1)
      expect(findings[0]).to.include({ check: 'configuration', status: 'problem' })
      expect(new Set(findings.slice(1).map(({ status }) => status))).to.deep.equal(new Set(['not-checked']))
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('finds hosts that are gone, and leaves the journal as it was', async () => {
    const { dir } = shell.appliance
    const before = await shell.ok(['audit', 'verify', '--dir', dir])
    await shell.appliance.stop()
    const { code, stdout } = await doctor('--format', 'json')
    const { findings } = JSON.parse(stdout) as Report
    const hosts = findings.filter(({ check }) => check === 'HSM hosts')
    expect([code, hosts.map(({ status }) => status)]).to.deep.equal([1, ['problem']])
    expect(hosts[0]?.fix).to.equal('systemctl start warder-hsm')
    expect(await shell.ok(['audit', 'verify', '--dir', dir])).to.equal(before)
  })
})
