import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { until } from '../support/until.ts'
import { program, Shell } from './support/cli.ts'

interface AuditRecord {
  readonly seq: number
  readonly ts: string
  readonly action: string
  readonly actor: string
  readonly correlation: string
  readonly subject: { readonly name?: string; readonly key?: string }
}

describe('warder audit', () => {
  let shell: Shell
  let dir: string
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
    ;({ dir } = shell.appliance)
    for (const name of ['orders', 'cards']) await shell.ok(['key', 'create', name, '--algorithm', 'P-256'])
    await shell.ok(['sign', '--key', 'orders'], { stdin: 'x' })
  })
  after(() => shell[Symbol.asyncDispose]())

  const tail = async (...args: string[]): Promise<AuditRecord[]> =>
    (await shell.ok(['audit', 'tail', '--dir', dir, '--format', 'json', ...args]))
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as AuditRecord)

  describe('tail', () => {
    it('shows the newest records, a line for each', async () => {
      const lines = (await shell.ok(['audit', 'tail', '--dir', dir])).trimEnd().split('\n')
      expect(lines).to.have.lengthOf(10)
      expect(lines.at(-1)).to.match(
        /^\d{4}-\S+Z {2}administrator {2}key:sign {2}default\/orders v1 {2}ok {2}[0-9a-f-]{36}$/,
      )
      expect(await tail('--lines', '3')).to.have.lengthOf(3)
      expect(await tail('--lines', '0')).to.deep.equal([])
    })

    it('as JSON is each record as it is stored, in order', async () => {
      const records = await tail('--lines', '1000')
      expect(records.map(({ seq }) => seq)).to.deep.equal(records.map((_, at) => at))
    })

    it('as YAML is a document for each', async () => {
      const shown = await shell.ok(['audit', 'tail', '--dir', dir, '--format', 'yaml', '--lines', '3'])
      expect(shown.match(/^---$/gm)).to.have.lengthOf(3)
      expect(shown).to.match(/^action: key:sign$/m)
    })

    it('shows those about a key, by name and by id', async () => {
      const byName = await tail('--key', 'orders')
      expect(byName.map(({ action }) => action)).to.deep.equal(['key:create', 'key:create', 'key:sign'])
      expect(await tail('--key', byName[0]?.subject.key ?? '')).to.deep.equal(byName)
    })

    it('shows those of an identity', async () => {
      expect(new Set((await tail('--actor', 'system')).map(({ actor }) => actor))).to.deep.equal(new Set(['system']))
      expect(await tail('--actor', 'nobody')).to.deep.equal([])
    })

    it('shows those of the request that an error names', async () => {
      const said = await shell.refused(2, ['sign', '--key', 'orders', '--key-version', '9'], { stdin: 'x' })
      const id = /request: (\S+)/.exec(said)?.[1] ?? ''
      const found = await tail('--request-id', id)
      expect(found.map(({ action, correlation }) => ({ action, correlation }))).to.deep.equal([
        { action: 'key:sign', correlation: id },
      ])
    })

    it('shows those since a time, all of them', async () => {
      const all = await tail('--lines', '1000')
      expect(await tail('--since', '1h')).to.deep.equal(all)
      const at = all.at(-2)?.ts ?? ''
      expect((await tail('--since', at))[0]?.ts).to.satisfy((ts: string) => ts >= at)
      expect(await tail('--since', '2999-01-01T00:00:00Z')).to.deep.equal([])
      expect(await shell.refused(1, ['audit', 'tail', '--dir', dir, '--since', 'lately'])).to.include(
        'lately is no time',
      )
    })

    it('follows what is written until it is interrupted', async function () {
      this.timeout(30_000)
      const args = ['audit', 'tail', '--dir', dir, '--follow', '--lines', '0', '--key', 'cards', '--format', 'json']
      const [command, ...rest] = program
      const child = spawn(command, [...rest, ...args])
      const ended = once(child, 'close')
      try {
        let shown = ''
        child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
        // The first signature may come before it has begun to follow.
        await until('a record is shown', async () => {
          await shell.appliance.admin.post('/v1/spaces/default/keys/cards:sign', { input: 'eA==' })
          return shown.includes('\n')
        })
        expect(JSON.parse(shown.split('\n')[0] ?? '')).to.include({ action: 'key:sign' })
      } finally {
        child.kill('SIGINT')
      }
      expect((await ended)[0]).to.equal(0)
    })

    it('refuses a record that was changed, and a place where no journal is', async () => {
      const copy = shell.path('journal')
      await cp(join(dir, 'data', 'journal'), copy, { recursive: true })
      const segment = join(copy, '0000000000000000.log')
      await writeFile(segment, (await readFile(segment, 'utf8')).replace('"key:sign"', '"key:sing"'))
      const { code, stderr } = await shell.run(['audit', 'tail', '--dir', copy, '--lines', '100'])
      expect(code).to.equal(1)
      expect(stderr).to.include('[journal-corrupt]').and.include('warder audit verify')
      expect(await shell.refused(1, ['audit', 'tail', '--dir', shell.path('config')])).to.include('[not-initialised]')
      expect(await shell.refused(1, ['audit', 'tail', '--dir', '/nowhere'])).to.include('/nowhere does not exist')
      expect(await shell.refused(1, ['audit', 'tail'])).to.include("required option '--dir <dir>' not specified")
    })
  })

  describe('verify', () => {
    it('checks the whole journal', async () => {
      expect(await shell.ok(['audit', 'verify', '--dir', dir])).to.match(/^VERIFIED {3}\d+ records, /)
      const found = await shell.json<{ records: number }>(['audit', 'verify', '--dir', dir])
      expect(found).to.include({ verified: true, uncommittedBytes: 0 })
      expect(found.records).to.be.greaterThan(10)
    })

    it('says where a journal was changed', async () => {
      expect(await shell.refused(1, ['audit', 'verify', '--dir', shell.path('journal')]))
        .to.include('hash does not match')
        .and.include('[journal-corrupt]')
    })
  })
})
