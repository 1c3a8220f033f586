import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readHeads } from '@warder/core'
import { expect } from 'chai'
import { readJournalDirectory } from '../../daemon/src/journal/journal-directory.ts'
import { recoverAdmin } from '../../daemon/src/compose.ts'
import { program } from '../cli/support/cli.ts'
import { until } from '../support/until.ts'
import { administrator, backUp, op, signs, silent, Site, unwanted } from './support/site.ts'

interface Shown {
  readonly origin: string
  readonly records: number
  readonly state: { readonly origin: string; readonly seq: number; readonly hash: string }
  readonly previous: { readonly origin: string; readonly seq: number }
  readonly missingResidentKeys: readonly unknown[]
  readonly since?: {
    readonly reapplied: readonly { readonly act: { readonly action: string }; readonly outcome: string }[]
    readonly others: Readonly<Record<string, number>>
  }
}

const key = { algorithm: 'P-256' as const }

describe('a backup', function () {
  this.timeout(120_000)
  let site: Site
  let file: string
  let restoreArgs: readonly string[]
  /** Goes back to the machine as it was when the backup was made. */
  let asBackedUp: () => Promise<void>
  /** And to the end of what happened after. */
  let later: string

  before(async () => {
    site = await Site.make()
    file = site.path('appliance.wb')
    restoreArgs = ['restore', '--from', file, '--recipient-key', site.recipientKeyFile]
    await site.engine(async engine => {
      await engine.spaces.create(administrator, { name: 'payments' })
      for (const name of ['orders', 'cards', 'old', 'stopped'])
        await engine.keys.create(administrator, 'payments', { ...key, name })
      await engine.keys.create(administrator, 'payments', { ...key, name: 'fixed', custody: 'resident' })
      for (let n = 0; n < 4; n++)
        await engine.keys.edit(administrator, 'payments', 'orders', 'any', { description: `${n}` })
      await engine.keys.rotate(administrator, 'payments', 'orders', 'any')
      await backUp(engine, file)
    })
    asBackedUp = await site.snapshot()
    later = site.path('later')
  })
  after(() => site[Symbol.asyncDispose]())
  beforeEach(() => site.loseData())

  it('restores an appliance that goes on as it was, under a new journal that follows the old', async () => {
    const { stderr, stdout } = await site.ok(restoreArgs)
    expect(stdout).to.equal('')
    expect(stderr)
      .to.match(/^restored \d+ records: the state at record \d+ of journal [0-9a-f-]{36}, backed up /m)
      .and.to.match(/^what was revoked, disabled or destroyed since then is not known/m)
      .and.to.not.include('not in this HSM')
    await site.engine(async engine => {
      for (const name of ['orders', 'cards', 'fixed'])
        expect(await signs(engine, 'payments', name), name).to.equal(true)
      const orders = await engine.keys.get(administrator, 'payments', 'orders')
      expect(orders).to.include({ description: '3', primary: 2, generation: 6 })
      const from = { sourceIp: '127.0.0.1', requestId: 'r', signal: new AbortController().signal }
      expect(await engine.apiKeys.authenticate(site.adminKey, from)).to.include({ identity: 'administrator' })
      await engine.keys.create(administrator, 'payments', { ...key, name: 'new' })
    })
    const { stdout: verified } = await site.warder(['audit', 'verify', '--dir', site.dataDir])
    expect(verified)
      .to.match(/^VERIFIED {3}/)
      .and.to.match(/^follows {4}[0-9a-f-]{36}, record \d+: verified in the archive$/m)
    expect((await site.ok(['verify', 'store'])).stdout).to.match(/^VERIFIED {3}/)
    expect(await readdir(site.dataDir)).to.not.include.members(['unfinished.json', 'journal.new'])
  })

  it('takes the key with its passphrase, and says as JSON what it did', async () => {
    const args = ['restore', '--from', file, '--recipient-key', site.protectedKeyFile, '--format', 'json']
    expect(await site.refused(args)).to.include('needs a passphrase')
    const { stdout } = await site.ok([...args, '--passphrase-file', site.passphraseFile])
    const shown = JSON.parse(stdout) as Shown
    expect(shown.missingResidentKeys).to.deep.equal([])
    expect(shown.previous).to.include({ origin: shown.state.origin, seq: shown.state.seq })
    expect(shown.origin).to.not.equal(shown.state.origin)
    expect(shown).to.not.have.property('since')
  })

  it('is the state at its point, exactly: every record is what the old journal says there', async () => {
    const { manifest } = await site.restore(file)
    const { point: state, records } = manifest
    const archive = join(site.dataDir, 'journal-archive', state.origin)
    const old = await readHeads(readJournalDirectory(archive))
    const now = await readHeads(readJournalDirectory(site.journal))
    const living = [...old.heads.entries()].filter(({ head }) => head.digest !== null)
    expect(living).to.have.lengthOf(records)
    for (const { collection, id, head } of living) expect(now.heads.get(collection, id)).to.deep.equal(head)
    expect(now.heads.size).to.equal(records)
    expect(old.end).to.deep.include({ seq: state.seq, hash: state.hash })
  })

  it('verifies without an appliance, and names what is not in it', async () => {
    const args = ['backup', 'verify', file, '--recipient-key', site.recipientKeyFile]
    const { code, stdout } = await site.warder(args)
    expect(code).to.equal(0)
    expect(stdout)
      .to.match(/^not in it {2,}payments\/fixed v1$/m)
      .and.to.match(/^root keys {2,}kek\/1, export-kek\/1/m)
    const shown = JSON.parse((await site.warder([...args, '--format', 'json'])).stdout) as { residentKeys: unknown }
    expect(shown.residentKeys).to.deep.equal([{ space: 'payments', key: 'fixed', version: 1 }])
  })

  it('is refused when it was changed, cut or is for another key, before anything is written', async () => {
    const bytes = await readFile(file)
    const other = site.path('other.wb')
    for (const [what, changed] of Object.entries({
      'a changed byte': Buffer.concat([
        bytes.subarray(0, 5000),
        Buffer.of((bytes[5000] ?? 0) ^ 1),
        bytes.subarray(5001),
      ]),
      'a cut': bytes.subarray(0, bytes.length - 1),
      'more bytes': Buffer.concat([bytes, Buffer.of(0)]),
      'another file': Buffer.from('something else'),
    })) {
      await writeFile(other, changed)
      const said = await site.restoreRefused(other)
      expect(said, what).to.include('[backup-damaged]')
      expect(await readdir(site.dataDir), what).to.not.include.members(['journal', 'store-secret.json'])
      await site.loseData()
    }
    expect(await site.refused(['restore', '--from', '/nowhere', '--recipient-key', site.recipientKeyFile])).to.include(
      '/nowhere cannot be read (ENOENT)',
    )
  })

  it('overwrites nothing', async () => {
    await asBackedUp()
    const before = await site.files()
    expect(await site.refused(restoreArgs)).to.include('[already-initialised]')
    const after = await site.files()
    for (const name of ['journal/0000000000000000.log', 'store-secret.json', 'format.json'])
      expect(after[name], name).to.equal(before[name])
    expect(Object.keys(after)).to.not.include('unfinished.json')
    // Records alone, without the rest, are somebody's too.
    for (const name of ['journal', 'store-secret.json']) await rm(join(site.dataDir, name), { recursive: true })
    expect(await site.restoreRefused(file)).to.include('Storage holds records')
  })

  it('restored by halves stops everything else, and is finished by the same command', async () => {
    const killed: string[] = []
    const args = [...restoreArgs, '--config', site.configFile]
    // Each is there from some moment on, in this order.
    for (const stage of ['unfinished.json', 'journal-archive', 'store-secret.json', 'journal.new', 'journal']) {
      const [command, ...rest] = program
      const child = spawn(command, [...rest, ...args], { cwd: site.dir, stdio: 'ignore' })
      const ended = new Promise(resolve => child.once('close', resolve))
      await until(`${stage} is there`, () => existsSync(join(site.dataDir, stage)) || child.exitCode !== null, 60_000)
      child.kill('SIGKILL')
      await ended
      if (child.signalCode !== 'SIGKILL' || !existsSync(join(site.dataDir, 'unfinished.json'))) continue
      killed.push(stage)
      expect(await recoverAdmin(site.config, silent, unwanted).catch(String)).to.include('warder restore was begun')
    }
    expect(killed).to.include.members(['unfinished.json', 'journal-archive'])
    await site.ok(restoreArgs)
    expect((await site.ok(['verify', 'store'])).stdout).to.match(/^VERIFIED {3}/)
    expect((await site.warder(['audit', 'verify', '--dir', site.dataDir])).code).to.equal(0)
    await site.engine(async engine => expect(await signs(engine, 'payments', 'cards')).to.equal(true))
  })

  it('is not mixed with another one that was begun', async () => {
    await writeFile(
      join(site.dataDir, 'unfinished.json'),
      JSON.stringify({ act: 'restore', backup: 'another', origin: 'x', later: false }),
      { mode: 0o600 },
    )
    expect(await site.restoreRefused(file)).to.include('Something else was begun')
  })

  it('takes away again what a later copy of the journal says was taken away', async () => {
    await asBackedUp()
    const { apiKey } = await site.engine(async engine => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
      const input = { identity: 'shop', spaces: '*', permissions: ['read'], expiresAt } as const
      const made = await engine.apiKeys.create(administrator, input)
      await engine.keys.revoke(administrator, 'payments', 'cards', 'any', { reason: 'keyCompromise', version: 1 })
      await engine.keys.disable(administrator, 'payments', 'stopped', 'any')
      await engine.keys.destroy(administrator, 'payments', 'old', 'any', 9)
      await engine.keys.create(administrator, 'payments', { ...key, name: 'young' })
      await engine.keys.disable(administrator, 'payments', 'young', 'any')
      const admin = (await engine.apiKeys.list(administrator, { limit: 10 })).items.find(
        ({ identity }) => identity === 'administrator',
      )
      await engine.apiKeys.revoke(administrator, admin?.id ?? '')
      await engine.apiKeys.revoke(administrator, made.apiKey.id)
      return made
    })
    await cp(site.journal, later, { recursive: true })
    await site.loseData()

    const args = [...restoreArgs, '--journal', later]
    const { since, previous, state } = JSON.parse((await site.ok([...args, '--format', 'json'])).stdout) as Shown
    expect(since?.reapplied.map(({ act, outcome }) => `${act.action} ${outcome}`)).to.deep.equal([
      'key:revoke done',
      'key:disable done',
      'key:destroy done',
      'key:disable failed',
      'api-key:revoke done',
      'api-key:revoke failed',
    ])
    expect(since?.others).to.include({ 'api-key:create': 1, 'key:create': 1 })
    expect(previous.seq).to.be.greaterThan(state.seq)
    await site.engine(async engine => {
      const versions = async (name: string) => (await engine.keys.get(administrator, 'payments', name)).versions
      expect((await versions('cards'))[0]).to.deep.include({ state: 'compromised' })
      expect((await engine.keys.get(administrator, 'payments', 'stopped')).state).to.equal('disabled')
      expect((await engine.keys.get(administrator, 'payments', 'old')).state).to.equal('pending-destruction')
      expect((await engine.apiKeys.list(administrator, { limit: 10 })).items.map(({ id }) => id)).to.not.include(
        apiKey.id,
      )
      const from = { sourceIp: '127.0.0.1', requestId: 'r', signal: new AbortController().signal }
      const code = await engine.apiKeys.authenticate(site.adminKey, from).catch((error: { code: string }) => error.code)
      expect(code).to.equal('invalid-credentials')
    })
    const journal = await readFile(join(site.journal, '0000000000000000.log'), 'utf8')
    expect(journal).to.match(/"actor":"restore"[^\n]*"method":"local"|"method":"local"[^\n]*"restore"/)
    expect((await site.warder(['audit', 'verify', '--dir', site.dataDir])).stdout).to.include('verified in the archive')
  })

  it('takes no later journal that is another one, or that was changed', async () => {
    const other = site.path('other-journal')
    await rm(other, { recursive: true, force: true })
    await cp(later, other, { recursive: true })
    const segment = join(other, '0000000000000000.log')
    const text = await readFile(segment, 'utf8')
    await writeFile(segment, text.replace('"space:create"', '"space:creake"'))
    expect(await site.restoreRefused(file, other)).to.include('[journal-corrupt]')
    await site.loseData()
    // Older than the backup.
    const lines = text.split('\n')
    const end = lines.findIndex(line => line.startsWith('commit ')) + 1
    await writeFile(segment, `${lines.slice(0, end).join('\n')}\n`)
    expect(await site.restoreRefused(file, other)).to.include('does not contain the point of the backup')
    await site.loseData()
    await mkdir(site.path('empty'), { recursive: true })
    expect(await site.restoreRefused(file, site.path('empty'))).to.include('[backup-damaged]')
  })

  it('names the resident keys that the HSM does not have', async () => {
    await asBackedUp()
    await site.engine(async (engine, hsm) => {
      const { items } = await engine.keys.list(administrator, 'payments', { limit: 100 })
      expect(items.map(({ name }) => name)).to.include('fixed')
      await engine.keys.create(administrator, 'payments', { ...key, name: 'gone', custody: 'resident' })
      await backUp(engine, site.path('gone.wb'))
      // As a token of another serial number: the object is not there.
      await hsm.destroy({ custody: 'resident', algorithm: 'P-256', usage: 'sign', id: site.objects.at(-1) ?? '' }, op)
    })
    await site.loseData()
    const { missingResidentKeys } = await site.restore(site.path('gone.wb'))
    expect(missingResidentKeys).to.deep.equal([{ space: 'payments', key: 'gone', version: 1 }])
    await site.engine(async engine => {
      const code = await signs(engine, 'payments', 'gone').catch((error: { code: string }) => error.code)
      expect(code).to.equal('hsm-key-missing')
    })
  })
})

describe('what cannot be backed up', function () {
  this.timeout(60_000)
  let site: Site
  before(async () => {
    site = await Site.make()
  })
  after(() => site[Symbol.asyncDispose]())

  it('is refused with the fix: no recipient, and a root key in use that has no copy', async () => {
    const refusal = async (backup: object): Promise<string> =>
      site.engine(
        async engine =>
          engine.backups.create(administrator, '0').then(
            () => 'taken',
            (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
          ),
        backup,
      )
    expect(await refusal({ recipient: undefined })).to.match(/^backup-not-possible: .*backupRecipient/)
    expect(await refusal({ missing: ['kek/1'] })).to.equal('taken')
    await site.engine(engine => engine.keys.create(administrator, 'default', { ...key, name: 'k' }))
    expect(await refusal({ missing: ['kek/1'] })).to.match(/^backup-not-possible: .*\(kek\/1\).*root-key rotate/)
    expect(await refusal({ missing: ['export-kek/1', 'kek/2'] })).to.equal('taken')
  })
})
