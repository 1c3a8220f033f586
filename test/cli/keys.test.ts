import { createPublicKey } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { fieldOf, rowsOf, Shell } from './support/cli.ts'

interface Key {
  readonly name: string
  readonly state: string
  readonly primary: number
  readonly generation: number
  readonly tags: Readonly<Record<string, string>>
  readonly versions: readonly { readonly number: number; readonly state: string }[]
}

describe('warder key', () => {
  let shell: Shell
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
    await shell.ok(['key', 'create', 'orders', '--algorithm', 'P-256', '--tag', 'team=shop'])
  })
  after(() => shell[Symbol.asyncDispose]())

  const show = (name: string) => shell.json<Key>(['key', 'show', name])

  describe('create', () => {
    it('makes a key and shows it', async () => {
      const args = [
        'key',
        'create',
        'first',
        '--algorithm',
        'Ed25519',
        '--custody',
        'resident',
        '--description',
        'a first key',
        '--tag',
        'a=1',
        '--tag',
        'b=x=y',
      ]
      const shown = await shell.ok(args)
      expect(fieldOf(shown, 'name')).to.equal('first')
      expect(fieldOf(shown, 'algorithm')).to.equal('Ed25519')
      expect(fieldOf(shown, 'primary version')).to.equal('1, active')
      expect(fieldOf(shown, 'description')).to.equal('a first key')
      expect((await show('first')).tags).to.deep.equal({ a: '1', b: 'x=y' })
    })

    it('as JSON is what the appliance answered', async () => {
      const chosen = ['--algorithm', 'AES-256', '--usage', 'wrap', '--custody', 'sealed', '--exportable']
      const made = await shell.json<Key & { custody: string; exportable: boolean; rotation: { everyDays: number } }>([
        'key',
        'create',
        'second',
        ...chosen,
        '--rotate-every-days',
        '90',
      ])
      expect(made).to.include({ name: 'second', state: 'enabled', custody: 'sealed', exportable: true })
      expect(made.rotation.everyDays).to.equal(90)
    })

    it('with an idempotency key makes one key of two runs', async () => {
      const args = ['key', 'create', 'once', '--algorithm', 'P-256', '--idempotency-key', 'run-1']
      expect(await shell.json(args)).to.deep.equal(await shell.json(args))
    })

    it('refuses an algorithm that nobody knows, before anything is sent', async () => {
      const said = await shell.refused(1, ['key', 'create', 'x', '--algorithm', 'DES'])
      expect(said).to.include("argument 'DES' is invalid").and.include('P-256')
    })

    it('refuses what the HSM cannot make, and says what else to try', async () => {
      const said = await shell.refused(2, ['key', 'create', 'x', '--algorithm', 'Ed25519', '--custody', 'sealed'])
      expect(said).to.include('[unsupported-mechanism]').and.include('another --custody')
    })

    it('refuses a name that was used', async () => {
      const said = await shell.refused(2, ['key', 'create', 'orders', '--algorithm', 'P-256'])
      expect(said)
        .to.include('[key-exists]')
        .and.include('fix: choose another name')
        .and.match(/request: [0-9a-f-]{36}/)
    })

    it('refuses a tag that has no value', async () => {
      const said = await shell.refused(1, ['key', 'create', 'x', '--algorithm', 'P-256', '--tag', 'team'])
      expect(said).to.include('must be name=value')
    })
  })

  describe('list', () => {
    it('is a table', async () => {
      const [heading, ...rows] = rowsOf(await shell.ok(['key', 'list', '--prefix', 'ord']))
      expect(heading).to.deep.equal(['NAME', 'ALGORITHM', 'USAGE', 'CUSTODY', 'STATE', 'VERSION', 'TAGS'])
      expect(rows).to.deep.equal([['orders', 'P-256', 'sign', 'sealed', 'enabled', '1', 'team=shop']])
    })

    it('as JSON is an array, of those that all filters fit', async () => {
      const found = await shell.json<Key[]>([
        'key',
        'list',
        '--tag',
        'team=shop',
        '--state',
        'enabled',
        '--algorithm',
        'P-256',
      ])
      expect(found.map(({ name }) => name)).to.deep.equal(['orders'])
      expect(await shell.json<Key[]>(['key', 'list', '--limit', '2'])).to.have.lengthOf(2)
    })

    it('says that there are none, and prints nothing', async () => {
      const { code, stdout, stderr } = await shell.run(['key', 'list', '--prefix', 'nothing'])
      expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: '', stderr: 'none\n' })
      expect(await shell.json(['key', 'list', '--prefix', 'nothing'])).to.deep.equal([])
    })

    it('refuses a space that is not there', async () => {
      expect(await shell.refused(2, ['key', 'list', '--space', 'nowhere']))
        .to.include('[space-not-found]')
        .and.include('`warder space list`')
    })
  })

  describe('show', () => {
    it('refuses a key that is not there, and says how to find one', async () => {
      expect(await shell.refused(2, ['key', 'show', 'nothing']))
        .to.include('[key-not-found]')
        .and.include('fix: `warder key list` shows the keys')
    })

    it('refuses what is no name, before anything is sent', async () => {
      expect(await shell.refused(1, ['key', 'show', '..'])).to.equal(
        'warder: key: must be a name [malformed-request]\n',
      )
    })

    it('needs a name', async () => {
      expect(await shell.refused(1, ['key', 'show'])).to.include("missing required argument 'key'")
    })
  })

  describe('public', () => {
    it('writes PEM that others read', async () => {
      const pem = await shell.ok(['key', 'public', 'orders'])
      expect(createPublicKey(pem).asymmetricKeyDetails).to.include({ namedCurve: 'prime256v1' })
    })

    it('writes DER to a file of its own, and replaces nothing', async () => {
      const args = ['key', 'public', 'orders', '--form', 'der', '--key-version', '1', '--out', 'orders.der']
      expect(await shell.ok(args)).to.equal('')
      createPublicKey({ key: await readFile(shell.path('orders.der')), format: 'der', type: 'spki' })
      expect((await stat(shell.path('orders.der'))).mode & 0o777).to.equal(0o600)
      expect(await shell.refused(1, args))
        .to.include('orders.der is there already')
        .and.include('--force')
      await shell.ok([...args, '--force'])
    })

    it('as JSON has both forms', async () => {
      expect(await shell.json(['key', 'public', 'orders'])).to.have.all.keys('version', 'algorithm', 'spki', 'pem')
    })

    it('refuses a secret key and a version that is not there', async () => {
      expect(await shell.refused(2, ['key', 'public', 'second'])).to.include('[usage-not-allowed]')
      expect(await shell.refused(2, ['key', 'public', 'orders', '--key-version', '9']))
        .to.include('[version-not-found]')
        .and.include('warder key versions')
    })
  })

  describe('tag', () => {
    it('shows, sets and removes, and leaves the others alone', async () => {
      expect(await shell.ok(['key', 'tag', 'first'])).to.equal('a  1\nb  x=y\n')
      expect(await shell.json(['key', 'tag', 'first', 'c=3', 'a=2', '--remove', 'b,nothing'])).to.deep.equal({
        a: '2',
        c: '3',
      })
      expect((await show('first')).tags).to.deep.equal({ a: '2', c: '3' })
      expect(await shell.ok(['key', 'tag', 'first', '--remove', 'a', '--remove', 'c'])).to.equal('no tags\n')
    })

    it('refuses what is no tag', async () => {
      expect(await shell.refused(1, ['key', 'tag', 'first', 'x']))
        .to.include('x is no tag')
        .and.include('--remove NAME')
    })
  })

  describe('the life of a key', function () {
    this.timeout(60_000)

    it('goes from rotation to rollback', async () => {
      const rotated = await shell.json<Key>(['key', 'rotate', 'orders'])
      expect(rotated).to.include({ primary: 2 })
      const [heading, ...rows] = rowsOf(await shell.ok(['key', 'versions', 'orders']))
      expect(heading?.slice(0, 3)).to.deep.equal(['VERSION', 'STATE', 'CREATED'])
      expect(rows.map(row => row.slice(0, 2))).to.deep.equal([
        ['1', 'deactivated'],
        ['2 (primary)', 'active'],
      ])
      expect(await shell.json(['key', 'versions', 'orders'])).to.have.lengthOf(2)
      expect(fieldOf(await shell.ok(['key', 'rollback', 'orders', '1']), 'primary version')).to.equal('1, active')
      expect(await shell.refused(2, ['key', 'rollback', 'orders', '7'])).to.include('[version-not-found]')
      expect(await shell.refused(1, ['key', 'rollback', 'orders', '0'])).to.include('must be a whole number from 1')
    })

    it('rotates once when it is repeated with an idempotency key', async () => {
      const args = ['key', 'rotate', 'first', '--idempotency-key', 'rotation-1']
      expect((await shell.json<Key>(args)).primary).to.equal(2)
      expect((await shell.json<Key>(args)).primary).to.equal(2)
    })

    it('is disabled and enabled', async () => {
      expect((await shell.json<Key>(['key', 'disable', 'orders'])).state).to.equal('disabled')
      expect(await shell.refused(2, ['sign', '--key', 'orders'], { stdin: 'x' }))
        .to.include('[wrong-state]')
        .and.include('`warder key show KEY`')
      expect(fieldOf(await shell.ok(['key', 'enable', 'orders']), 'state')).to.equal('enabled')
    })

    it('has a version suspended and resumed', async () => {
      const states = ({ versions }: Key) => versions.map(({ state }) => state)
      expect(states(await shell.json<Key>(['key', 'suspend', 'orders', '1']))).to.deep.equal([
        'suspended',
        'deactivated',
      ])
      expect(states(await shell.json<Key>(['key', 'resume', 'orders', '1']))).to.deep.equal(['active', 'deactivated'])
      expect(await shell.refused(2, ['key', 'resume', 'orders', '1'])).to.include('[wrong-state]')
    })

    it('is revoked, for good, when that is confirmed', async () => {
      const args = [
        'key',
        'revoke',
        'orders',
        '--reason',
        'keyCompromise',
        '--key-version',
        '2',
        '--date',
        '2026-01-01T00:00:00Z',
      ]
      expect(await shell.refused(1, args))
        .to.include('This needs to be confirmed')
        .and.include('--yes')
      expect(await shell.refused(1, ['key', 'revoke', 'orders', '--yes'])).to.include(
        "option '--reason <reason>' not specified",
      )
      const { versions } = await shell.json<Key>([...args, '--yes'])
      expect(versions.map(({ state }) => state)).to.deep.equal(['active', 'compromised'])
    })

    it('is destroyed when that is confirmed, and restored', async () => {
      expect(await shell.refused(1, ['key', 'destroy', 'orders'])).to.include('--yes')
      expect(await shell.refused(1, ['key', 'destroy', 'orders', '--window-days', '3'])).to.include('from 7 to 30')
      const shown = await shell.ok(['key', 'destroy', 'orders', '--yes', '--window-days', '7'])
      expect(fieldOf(shown, 'state')).to.match(/^pending-destruction, destroyed at \d{4}-/)
      expect((await shell.json<Key>(['key', 'restore', 'orders'])).state).to.equal('disabled')
      expect(await shell.refused(2, ['key', 'restore', 'orders'])).to.include('[wrong-state]')
    })
  })
})
