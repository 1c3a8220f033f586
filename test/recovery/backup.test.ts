import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import { administrator, signs, Site } from './support/site.ts'

const key = { algorithm: 'P-256' as const }

describe('warder backup', function () {
  this.timeout(120_000)
  let site: Site
  before(async () => {
    site = await Site.make()
    await site.engine(async engine => {
      for (let n = 0; n < 20; n++) await engine.keys.create(administrator, 'default', { ...key, name: `k-${n}` })
      await engine.keys.create(administrator, 'default', { ...key, name: 'fixed', custody: 'resident' })
    })
  })
  after(() => site[Symbol.asyncDispose]())

  it('takes a backup of an appliance that goes on serving, which restores to what it was at one record', async () => {
    const file = site.path('served.wb')
    await rm(file, { force: true })
    const { stderr, acknowledged } = await site.served(async (env, engine) => {
      let running = true
      const made: string[] = []
      const writer = (async () => {
        for (let n = 0; running; n++) {
          await engine.keys.create(administrator, 'default', { ...key, name: `w-${n}` })
          made.push(`w-${n}`)
          await engine.keys.edit(administrator, 'default', 'k-1', 'any', { description: `after w-${n}` })
          await wait(1)
        }
      })()
      const ran = await site.warder(['backup', '--out', file], { env })
      running = false
      await writer
      expect({ code: ran.code, stdout: ran.stdout }, ran.stderr).to.deep.equal({ code: 0, stdout: '' })
      return { stderr: ran.stderr, acknowledged: made }
    })
    const bytes = await readFile(file)
    const digest = createHash('sha256').update(bytes).digest('hex')
    expect(stderr).to.equal(
      `${bytes.length} bytes, SHA-256 ${digest}\n` +
        '1 resident key is in the HSM alone and not in the backup; `warder backup verify` names them\n',
    )
    const journal = await readFile(join(site.journal, '0000000000000000.log'), 'utf8')
    const records = journal
      .split('\n')
      .filter(line => line.includes('"backup:create"'))
      .map(line => JSON.parse(line.slice(65)) as { result: string; subject: Record<string, unknown>; seq: number })
    expect(records.map(({ result }) => result)).to.deep.equal(['pending', 'ok'])
    expect(records[1]?.subject).to.deep.include({ digest, size: bytes.length })

    await site.loseData()
    const { manifest } = await site.restore(file)
    // Between the two records that the journal has of it.
    expect(manifest.point.seq).to.be.within(records[0]?.seq ?? 0, (records[1]?.seq ?? 0) - 1)
    await site.engine(async engine => {
      const { items } = await engine.keys.list(administrator, 'default', { limit: 1000 })
      const restored = items.map(({ name }) => name).filter(name => name.startsWith('w-'))
      // A prefix of what was done, in the order in which it was done: nothing later, and no gaps.
      const order = restored.map(name => Number(name.slice(2))).toSorted((a, b) => a - b)
      expect(order).to.deep.equal(order.map((_, at) => at))
      expect(order.length).to.be.greaterThan(0).and.at.most(acknowledged.length)
      const { description } = await engine.keys.get(administrator, 'default', 'k-1')
      expect(Number(/\d+/.exec(description)?.[0] ?? -1)).to.be.within(order.length - 2, order.length - 1)
      expect(await signs(engine, 'default', 'k-7')).to.equal(true)
    })
  })

  it('says as JSON what was made, and writes to standard output when asked to', async () => {
    await site.served(async env => {
      const file = site.path('json.wb')
      const { stdout } = await site.warder(['backup', '--out', file, '--format', 'json'], { env })
      const bytes = await readFile(file)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect(JSON.parse(stdout)).to.deep.equal({ size: bytes.length, sha256, residentKeys: 1 })
      const { out, code } = await site.warder(['backup'], { env })
      expect(code).to.equal(0)
      expect(out.toString('latin1')).to.match(/^\{"format":"warder-backup-v1","recipient":"[0-9a-f]{64}"/)
      const again = await site.warder(['backup', '--out', file], { env })
      expect([again.code, again.stderr.includes('is there already')]).to.deep.equal([1, true])
    })
  })

  it('leaves no file when the appliance refuses, or cannot go on in the middle', async () => {
    const file = site.path('none.wb')
    await site.served(
      async env => {
        const { code, stderr } = await site.warder(['backup', '--out', file], { env })
        expect(code).to.equal(2)
        expect(stderr).to.include('[backup-not-possible]').and.include('fix: see docs/backup.md')
      },
      { recipient: undefined },
    )
    // One record is gone: what was sent by then is no backup.
    const record = await site.storedRecord('keys', 'default/k-9')
    await site.removeStored('keys', 'default/k-9')
    await site.served(async env => {
      const { code, stderr } = await site.warder(['backup', '--out', file], { env })
      expect(code).to.equal(2)
      expect(stderr).to.match(/The connection to https:\S+ was lost|The exchange with \S+ failed/)
    })
    await site.putStored(record)
    expect(existsSync(file)).to.equal(false)
    expect((await readdir(site.dir)).filter(name => name.endsWith('.tmp'))).to.deep.equal([])
    const journal = await readFile(join(site.journal, '0000000000000000.log'), 'utf8')
    expect(journal).to.match(/"action":"backup:create"[^\n]*"result":"record-missing"/)
  })

  it('verifies a file only with the key it is for, from a file that is nobody else’s', async () => {
    const file = site.path('json.wb')
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await site.warder(['backup', 'verify', ...args])
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
      return stderr
    }
    expect(await refused(file)).to.include("required option '--recipient-key <file>' not specified")
    expect(await refused(file, '--recipient-key', join(site.dir, 'tls', 'server.key'))).to.include('is no RSA key')
    expect(await refused(file, '--recipient-key', '/nowhere')).to.include('cannot be read (ENOENT)')
    expect(await refused(site.passphraseFile, '--recipient-key', site.recipientKeyFile)).to.include('[backup-damaged]')
  })
})
