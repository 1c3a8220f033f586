import { readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { fieldOf, rowsOf, Shell } from './support/cli.ts'

interface ApiKey {
  readonly id: string
  readonly identity: string
  readonly spaces: readonly string[] | '*'
  readonly permissions: readonly string[]
  readonly expiresAt: string
  readonly revokedAt: string | null
}

describe('warder apikey, space, root-key and status', () => {
  let shell: Shell
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
  })
  after(() => shell[Symbol.asyncDispose]())

  const days = (apiKey: ApiKey): number => Math.round((Date.parse(apiKey.expiresAt) - Date.now()) / 86_400_000)

  describe('space', () => {
    it('is created, shown and listed', async () => {
      const shown = await shell.ok(['space', 'create', 'payments', '--description', 'Card payments'])
      expect(fieldOf(shown, 'name')).to.equal('payments')
      expect(fieldOf(await shell.ok(['space', 'show', 'payments']), 'description')).to.equal('Card payments')
      const [heading, ...rows] = rowsOf(await shell.ok(['space', 'list']))
      expect(heading).to.deep.equal(['NAME', 'CREATED', 'BY', 'DESCRIPTION'])
      expect(rows.map(([name]) => name)).to.include.members(['default', 'payments', 'root'])
    })

    it('as JSON is what the appliance answered', async () => {
      const made = await shell.json(['space', 'create', 'tests', '--idempotency-key', 'a'])
      expect(made).to.include({ name: 'tests', description: '' })
      expect(await shell.json(['space', 'show', 'tests'])).to.deep.equal(made)
      expect(await shell.json<unknown[]>(['space', 'list'])).to.deep.include(made)
    })

    it('is refused when it exists, and when it does not', async () => {
      expect(await shell.refused(2, ['space', 'create', 'default'])).to.include('[space-exists]')
      expect(await shell.refused(2, ['space', 'show', 'nowhere'])).to.include('[space-not-found]')
      expect(await shell.refused(2, ['space', 'create', 'Not A Name'])).to.include('[malformed-request]')
    })
  })

  describe('apikey', () => {
    const grants = ['--identity', 'shop', '--spaces', 'payments,default', '--permissions', 'read,use']

    it('is made into a file that only you can read, and works', async () => {
      const { code, stdout, stderr } = await shell.run(['apikey', 'create', ...grants, '--out', 'shop.key'])
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '' })
      expect(stderr).to.match(/^API key [0-9a-f]{16} of shop works until \d{4}-/)
      expect(await readFile(shell.path('shop.key'), 'utf8')).to.match(/^wrd_[0-9a-f]{16}_\S+\n$/)
      expect((await stat(shell.path('shop.key'))).mode & 0o777).to.equal(0o600)
      expect(rowsOf(await shell.ok(['space', 'list', '--token-file', 'shop.key'])).map(([name]) => name)).to.include(
        'payments',
      )
      expect(await shell.refused(1, ['apikey', 'create', ...grants, '--out', 'shop.key'])).to.include('--force')
    })

    it('prints nothing but itself on standard output', async () => {
      const secret = await shell.ok(['apikey', 'create', ...grants, '--expires', '7d'])
      expect(secret).to.match(/^wrd_\S+\n$/)
      expect(await shell.ok(['space', 'list', '--token-file', '-'], { stdin: secret })).to.include('payments')
    })

    it('as JSON is what the appliance answered, and without the secret when that is in a file', async () => {
      const made = await shell.json<{ apiKey: ApiKey; secret: string }>([
        'apikey',
        'create',
        ...grants,
        '--expires',
        '12h',
      ])
      expect(made.apiKey).to.deep.include({
        identity: 'shop',
        spaces: ['payments', 'default'],
        permissions: ['read', 'use'],
      })
      expect(made.secret).to.include(made.apiKey.id)
      const filed = await shell.json(['apikey', 'create', ...grants, '--out', 'filed.key'])
      expect(filed).to.have.all.keys('apiKey')
      expect(JSON.stringify(filed)).to.not.include('wrd_')
    })

    it('is refused what it was not granted, and the refusal says who can help', async () => {
      const said = await shell.refused(2, ['key', 'create', 'x', '--algorithm', 'P-256', '--token-file', 'shop.key'])
      expect(said).to.include('[forbidden]').and.include('warder apikey create --permissions')
    })

    it('is made with values that mean something', async () => {
      const bad = (...args: string[]) => shell.run(['apikey', 'create', ...args])
      expect((await bad('--identity', 'shop', '--spaces', 'default', '--permissions', 'fly')).stderr).to.include(
        '[malformed-request]',
      )
      expect((await bad('--identity', 'shop', '--spaces', 'nowhere', '--permissions', 'use')).stderr).to.include(
        '[space-not-found]',
      )
      expect((await bad(...grants, '--expires', 'soon')).stderr)
        .to.include('soon is no time')
        .and.include('90d')
      expect((await bad('--identity', 'shop')).stderr).to.include('not specified')
    })

    it('is listed without its secret', async () => {
      const table = await shell.ok(['apikey', 'list'])
      expect(rowsOf(table)[0]).to.deep.equal(['ID', 'IDENTITY', 'SPACES', 'PERMISSIONS', 'EXPIRES', 'REVOKED'])
      expect(table).to.not.include('wrd_')
      expect((await shell.json<ApiKey[]>(['apikey', 'list'])).map(({ identity }) => identity)).to.include(
        'administrator',
      )
    })

    it('is rotated: the new one has the same grants and as long to live, and both work until the old one is revoked', async () => {
      const { apiKey: old } = await shell.json<{ apiKey: ApiKey }>([
        'apikey',
        'create',
        ...grants,
        '--expires',
        '30d',
        '--out',
        'old.key',
      ])
      const { code, stderr } = await shell.run(['apikey', 'rotate', old.id, '--out', 'new.key'])
      expect(code, stderr).to.equal(0)
      expect(stderr).to.include(`run \`warder apikey revoke ${old.id}\``)
      for (const file of ['old.key', 'new.key']) await shell.ok(['space', 'list', '--token-file', file])
      const id = (await readFile(shell.path('new.key'), 'utf8')).split('_')[1]
      const fresh = (await shell.json<ApiKey[]>(['apikey', 'list'])).find(each => each.id === id)
      expect(fresh).to.deep.include({ identity: old.identity, spaces: old.spaces, permissions: old.permissions })
      expect(fresh && days(fresh)).to.equal(30)

      expect(fieldOf(await shell.ok(['apikey', 'revoke', old.id]), 'revoked')).to.match(/^\d{4}-/)
      expect(await shell.refused(2, ['space', 'list', '--token-file', 'old.key'])).to.include('[invalid-credentials]')
      await shell.ok(['space', 'list', '--token-file', 'new.key'])
    })

    it('is rotated and the old one revoked at once, when that is asked for', async () => {
      const { apiKey: old } = await shell.json<{ apiKey: ApiKey }>(['apikey', 'create', ...grants, '--out', 'old2.key'])
      const made = await shell.json<{ apiKey: ApiKey }>(['apikey', 'rotate', old.id, '--revoke-old', '--expires', '1d'])
      expect(days(made.apiKey)).to.equal(1)
      expect(await shell.refused(2, ['space', 'list', '--token-file', 'old2.key'])).to.include('[invalid-credentials]')
      expect(await shell.refused(1, ['apikey', 'rotate', old.id])).to.include('is revoked')
    })

    it('is not rotated or revoked when it is not there', async () => {
      expect(await shell.refused(1, ['apikey', 'rotate', 'ffffffffffffffff']))
        .to.include('There is no API key')
        .and.include('apikey list')
      expect(await shell.refused(2, ['apikey', 'revoke', 'ffffffffffffffff'])).to.include('[api-key-not-found]')
    })
  })

  describe('root-key', () => {
    it('shows where a rotation is, and starts one', async () => {
      const shown = await shell.ok(['root-key', 'status'])
      expect(fieldOf(shown, 'root key')).to.equal('1')
      expect(fieldOf(shown, 'rotation')).to.equal('done')
      expect(await shell.json(['root-key', 'rotate'])).to.include({ rootKey: 2 })
      expect(fieldOf(await shell.ok(['root-key', 'status']), 'root key')).to.equal('2')
    })

    it('is refused to those who may not consolidate', async () => {
      for (const act of ['status', 'rotate'])
        expect(await shell.refused(2, ['root-key', act, '--token-file', 'shop.key'])).to.include('[forbidden]')
    })
  })

  describe('status', () => {
    it('says that the appliance is ready, part by part, and needs no API key', async () => {
      const shown = await shell.ok(['status'], { env: { WARDER_TOKEN_FILE: 'gone' } })
      expect(shown).to.include(`${shell.appliance.ready.url} is ready\n`)
      expect(
        rowsOf(shown)
          .slice(2)
          .map(row => row.slice(0, 2)),
      ).to.have.deep.members([
        ['journal', 'ok'],
        ['storage', 'ok'],
        ['hsm', 'ok'],
      ])
    })

    it('as JSON is for programs', async () => {
      const found = await shell.json<{ parts: unknown }>(['status'])
      expect(found).to.include({ addr: shell.appliance.ready.url, status: 'ready' })
      expect(found.parts).to.have.all.keys('journal', 'storage', 'hsm')
    })

    it('is 1 when nothing answers', async () => {
      const said = await shell.refused(1, ['status', '--addr', 'https://127.0.0.1:1'])
      expect(said)
        .to.include('Nothing answers at https://127.0.0.1:1 (ECONNREFUSED)')
        .and.include('systemctl status warder')
    })
  })
})
