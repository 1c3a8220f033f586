import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { recoverAdmin } from '../../daemon/src/compose.ts'
import { acceptLoss, type LossAccepted } from '../../daemon/src/recovery/accept-loss.ts'
import { verifyStore } from '../../daemon/src/recovery/verify-store.ts'
import { administrator, op, signs, silent, Site, unwanted } from './support/site.ts'

const segment = '0000000000000000.log'
const key = { algorithm: 'P-256' as const }

describe('a journal that is damaged', function () {
  this.timeout(120_000)
  let site: Site
  let asBefore: () => Promise<void>
  /** Of the journal as it was. */
  let lines: readonly string[]

  before(async () => {
    site = await Site.make()
    await site.engine(async engine => {
      for (const name of ['first', 'second']) await engine.keys.create(administrator, 'default', { ...key, name })
      await engine.keys.disable(administrator, 'default', 'second', 'any')
      await engine.keys.create(administrator, 'default', { ...key, name: 'third' })
    })
    lines = (await readFile(join(site.journal, segment), 'utf8')).split('\n')
    asBefore = await site.snapshot()
  })
  after(() => site[Symbol.asyncDispose]())
  beforeEach(() => asBefore())

  const accept = (): Promise<LossAccepted> =>
    acceptLoss(site.config, { reason: 'a test', log: silent, confirm: async () => undefined })
  const text = (): Promise<string> => readFile(join(site.journal, segment), 'utf8')
  const write = (content: string): Promise<void> => writeFile(join(site.journal, segment), content)
  /** The first line of the record that disables a key. */
  const disabling = (): number => lines.findIndex(line => line.includes('"key:disable"'))

  const damages: Readonly<Record<string, () => Promise<void>>> = {
    'a byte that changed': async () => write((await text()).replace('"key:disable"', '"key:disabel"')),
    'a line that is gone': () => write(lines.toSpliced(disabling(), 1).join('\n')),
    'a cut that leaves no whole write': () =>
      write(`${lines.slice(0, disabling()).join('\n')}\nnot what a write leaves`),
    'a beginning that is gone': () => write(lines.slice(4).join('\n')),
    'an empty segment': () => truncate(join(site.journal, segment), 0),
    'no segment': () => rm(join(site.journal, segment)),
    'no directory': () => rm(site.journal, { recursive: true }),
  }

  for (const [what, damage] of Object.entries(damages))
    it(`by ${what}: goes on under a new journal, and keeps the old one`, async () => {
      await damage()
      const evidence = await text().catch(() => undefined)
      expect(await site.engine(async () => 'started').catch((error: { code: string }) => error.code)).to.be.oneOf([
        'journal-corrupt',
        'not-initialised',
      ])
      const accepted = await accept()
      expect(accepted.doubtful.every(({ adopted }) => adopted)).to.equal(true)
      if (evidence !== undefined) {
        expect(await readFile(join(accepted.evidence ?? '', segment), 'utf8')).to.equal(evidence)
      }
      await site.engine(async engine => {
        for (const name of ['first', 'third']) expect(await signs(engine, 'default', name), name).to.equal(true)
        expect((await engine.keys.get(administrator, 'default', 'second')).state).to.equal('disabled')
        await engine.keys.create(administrator, 'default', { ...key, name: 'new' })
      })
      const report = await verifyStore(site.config, silent)
      expect(report).to.deep.include({ differing: [], origin: accepted.origin })
      const first = JSON.parse((await text()).split('\n')[0]?.slice(65) ?? '') as { subject: Record<string, unknown> }
      expect(first.subject).to.include({ by: 'accept-loss', reason: 'a test', differing: accepted.doubtful.length })
      expect(first.subject['previous']).to.deep.equal(
        accepted.end ?? { origin: 'unknown', seq: -1, hash: '0'.repeat(64), running: '0'.repeat(64) },
      )
    })

  it('keeps refusing a record that the verified part proves to have been put back, changed or removed', async () => {
    const record = await site.storedRecord('keys', 'default/first')
    await site.engine(engine => engine.keys.disable(administrator, 'default', 'first', 'any'))
    await site.engine(engine => engine.keys.create(administrator, 'default', { ...key, name: 'fourth' }))
    await site.putStored(record)
    await site.removeStored('keys', 'default/third')
    await write((await text()).replace(/"action":"key:create"(?=[^\n]*fourth)/, '"action":"key:creaet"'))
    const { doubtful } = await accept()
    const found = doubtful.map(({ collection, id, found: how, adopted }) => `${how} ${collection}/${id} ${adopted}`)
    expect(found).to.include.members(['older keys/default/first false', 'missing keys/default/third false'])
    expect(found).to.include('unknown keys/default/fourth true')
    await site.engine(async engine => {
      const code = (name: string): Promise<string> =>
        engine.keys.get(administrator, 'default', name).then(
          () => 'there',
          (error: { code: string }) => error.code,
        )
      expect(await code('first')).to.equal('record-rolled-back')
      expect(await code('third')).to.equal('record-missing')
      expect(await code('fourth')).to.equal('there')
    })
  })

  it('does not adopt a record that this appliance did not seal', async () => {
    const record = await site.storedRecord('keys', 'default/third')
    const body = Buffer.from(record.body)
    body[100] = (body[100] ?? 0) ^ 1
    await site.putStored({ ...record, body })
    await damages['a line that is gone']?.()
    const { doubtful } = await accept()
    expect(doubtful).to.deep.include({
      collection: 'keys',
      id: 'default/third',
      found: 'not-genuine',
      adopted: false,
    })
  })

  it('is asked about first, and nothing is changed without an answer; refused when the journal is in order', async () => {
    const refused = ['audit', 'accept-loss', '--reason', 'x', '--yes']
    expect(await site.refused(refused)).to.include('The journal is in order')
    await damages['a line that is gone']?.()
    const before = await text()
    const said = await site.refused(['audit', 'accept-loss', '--reason', 'x'])
    expect(said)
      .to.match(/is damaged at line \d+/)
      .and.to.match(/verified up to record \d+ of /)
    expect(said).to.include('--yes')
    expect(await text()).to.equal(before)
    expect(await site.refused(['audit', 'accept-loss', '--reason', ' ', '--yes'])).to.include('1 to 500 characters')

    const { stdout } = await site.ok([...refused, '--format', 'json'])
    const { evidence, origin } = JSON.parse(stdout) as LossAccepted
    expect(evidence).to.be.a('string')
    const verified = await site.warder(['audit', 'verify', '--dir', site.dataDir])
    expect(verified.stdout)
      .to.include(`origin     ${origin}`)
      .and.to.match(/^follows {4}[0-9a-f-]{36}, record \d+: verified in the archive up to there, damaged after it$/m)
    // The evidence is held to what the new journal says of it.
    await writeFile(join(evidence ?? '', segment), before.replace('"space:create"', '"space:creaet"'))
    const { code, stderr } = await site.warder(['audit', 'verify', '--dir', site.dataDir])
    expect([code, stderr.includes('does not end at record')]).to.deep.equal([1, true])
    await rm(join(site.dataDir, 'journal-archive'), { recursive: true })
    expect((await site.warder(['audit', 'verify', '--dir', site.dataDir])).stdout).to.include('NOT VERIFIED')
  })

  it('is gone on with after a crash at any moment', async () => {
    await damages['a line that is gone']?.()
    const evidence = await text()
    const { origin, evidence: archived = '' } = await accept()
    const name = archived.split('/').at(-1) ?? ''
    const mark = join(site.dataDir, 'unfinished.json')
    const unfinished = JSON.stringify({ act: 'accept-loss', origin, archived: name })
    // Both moves made: only the mark is left.
    await writeFile(mark, unfinished)
    expect((await accept()).origin).to.equal(origin)
    // The old one moved, the new one not yet.
    await rm(site.journal, { recursive: true })
    await writeFile(mark, unfinished)
    expect(await recoverAdmin(site.config, silent, unwanted).catch(String)).to.include(
      'warder audit accept-loss was begun',
    )
    await accept()
    await site.engine(engine => signs(engine, 'default', 'first'))
    expect(await readFile(join(archived, segment), 'utf8')).to.equal(evidence)
    expect(await readdir(site.dataDir)).to.not.include.members(['unfinished.json', 'journal.new'])
  })
})

describe('warder verify store', function () {
  this.timeout(60_000)
  let site: Site
  before(async () => {
    site = await Site.make()
    await site.engine(async engine => {
      for (const name of ['a', 'b', 'c', 'd']) await engine.keys.create(administrator, 'default', { ...key, name })
    })
  })
  after(() => site[Symbol.asyncDispose]())

  it('names every record that is not as the journal says, and how', async () => {
    const asWas = await site.snapshot()
    const before = await site.storedRecord('keys', 'default/a')
    await site.engine(engine => engine.keys.disable(administrator, 'default', 'a', 'any'))
    expect((await site.ok(['verify', 'store'])).stdout).to.match(/^VERIFIED {3}\d+ records, as record \d+ of journal/)
    await site.putStored(before)
    await site.removeStored('keys', 'default/b')
    const c = await site.storedRecord('keys', 'default/c')
    await site.putStored({ ...c, body: Uint8Array.from(c.body, (byte, at) => (at === 60 ? byte ^ 1 : byte)) })
    await site.putStored({ ...c, id: 'default/x' })
    const d = await site.storedRecord('keys', 'default/d')
    await site.putStored({ ...d, revision: 2, body: Uint8Array.from(d.body, byte => byte ^ 1) })

    const { code, stdout } = await site.warder(['verify', 'store', '--config', site.configFile])
    expect(code).to.equal(1)
    expect(stdout).to.match(/^FAILED {5}1 missing, 1 older, 1 newer, 1 changed, 1 unknown of \d+ records$/m)
    expect(stdout.trimEnd().split('\n').slice(1).toSorted()).to.deep.equal(
      [
        'older      keys/default/a',
        'missing    keys/default/b',
        'changed    keys/default/c',
        'newer      keys/default/d',
        'unknown    keys/default/x',
      ].toSorted(),
    )
    const json = await site.warder(['verify', 'store', '--config', site.configFile, '--format', 'json'])
    expect(json.code).to.equal(1)
    expect(JSON.parse(json.stdout)).to.deep.include({
      verified: false,
      counts: { missing: 1, older: 1, newer: 1, changed: 1, unknown: 1 },
    })
    await asWas()
  })

  it('is refused while the appliance runs, and where there is no journal', async () => {
    await site.engine(async () => {
      expect(await site.refused(['verify', 'store'])).to.include('stop it first (systemctl stop warder)')
      expect(await site.refused(['admin', 'recover', '--admin-key-file', site.path('k')])).to.include('stop it first')
    })
    expect(await readdir(site.dir)).to.not.include('k')
    await site.loseData()
    expect(await site.refused(['verify', 'store'])).to.include('[not-initialised]')
  })
})

describe('warder admin recover', function () {
  this.timeout(60_000)
  let site: Site
  before(async () => {
    site = await Site.make()
  })
  after(() => site[Symbol.asyncDispose]())

  it('issues a new administrator’s key, on record, and revokes none', async () => {
    const file = site.path('recovered.key')
    expect(await site.refused(['admin', 'recover'])).to.include('--admin-key-file')
    const { stdout, stderr } = await site.ok(['admin', 'recover', '--admin-key-file', file])
    expect(stdout).to.equal('')
    const recovered = (await readFile(file, 'utf8')).trim()
    expect(stderr).to.include('warder apikey revoke').and.to.not.include(recovered)
    expect(await site.refused(['admin', 'recover', '--admin-key-file', file])).to.include('is there already')
    const from = { sourceIp: '127.0.0.1', requestId: 'r', signal: op.signal }
    await site.engine(async engine => {
      for (const each of [recovered, site.adminKey]) {
        expect(await engine.apiKeys.authenticate(each, from)).to.include({ identity: 'administrator', spaces: '*' })
      }
    })
    const journal = await readFile(join(site.journal, segment), 'utf8')
    expect(journal.match(/"action":"admin:recover"/g)).to.have.lengthOf(2)
  })
})
