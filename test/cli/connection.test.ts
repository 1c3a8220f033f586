import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createInternalCa } from '../../daemon/src/tls/internal-ca.ts'
import { run, type RunOptions, Shell } from './support/cli.ts'

describe('how warder finds and trusts an appliance', () => {
  let shell: Shell
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
  })
  after(() => shell[Symbol.asyncDispose]())

  /** With nothing of the environment set. */
  const bare = (args: readonly string[], options: RunOptions = {}) => run(shell.cwd, args, options)
  const list = ['space', 'list']

  it('needs an address, and says the ways to give one', async () => {
    const { code, stderr } = await bare(list)
    expect(code).to.equal(1)
    expect(stderr).to.equal(
      'warder: No appliance is named.\n  fix: --addr https://HOST:8443, WARDER_ADDR, or addr in ~/.config/warder/cli.toml\n',
    )
  })

  it('refuses an address that is not https, or has more than host and port', async () => {
    for (const addr of [
      'http://127.0.0.1:8443',
      '127.0.0.1:8443',
      'https://127.0.0.1:8443/v1',
      'https://me:pw@127.0.0.1',
    ])
      expect(await shell.refused(1, [...list, '--addr', addr]), addr).to.include('https://HOST')
  })

  it('says that nothing answers', async () => {
    expect(await shell.refused(2, [...list, '--addr', 'https://127.0.0.1:1']))
      .to.include('Nothing answers at https://127.0.0.1:1 (ECONNREFUSED)')
      .and.include('--addr')
  })

  it('does not trust a certificate of another authority, or none that was named', async () => {
    const other = await createInternalCa({ name: 'another', now: new Date() })
    await shell.write('other.pem', other.certificatePem)
    expect(await shell.refused(2, [...list, '--cacert', 'other.pem']))
      .to.include('is not trusted')
      .and.include('--cacert FILE')
    const { url, apiKeyFile } = shell.appliance.ready
    const { code, stderr } = await bare([...list, '--addr', url, '--token-file', apiKeyFile])
    expect(code).to.equal(2)
    expect(stderr).to.include('is not trusted')
    expect(await shell.refused(1, [...list, '--cacert', 'gone.pem'])).to.include('gone.pem does not exist')
  })

  it('refuses an API key that is wrong, is none, is missing, or that everybody can read', async () => {
    await shell.write('wrong.key', 'wrd_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n')
    expect(await shell.refused(2, [...list, '--token-file', 'wrong.key']))
      .to.include('[invalid-credentials]')
      .and.include('apikey create')
    await shell.write('two lines', 'a b\nc\n')
    expect(await shell.refused(1, [...list, '--token-file', 'two lines'])).to.equal(
      'warder: two lines is no API key.\n',
    )
    expect(await shell.refused(1, [...list, '--token-file', 'gone.key'])).to.include('gone.key does not exist')
    await chmod(shell.path('wrong.key'), 0o644)
    expect(await shell.refused(1, [...list, '--token-file', 'wrong.key'])).to.include('fix: chmod 600 wrong.key')
    const { url, ca } = shell.appliance.ready
    const { code, stderr } = await bare([...list, '--addr', url, '--cacert', ca, '--no-input'])
    expect(code).to.equal(1)
    expect(stderr).to.include('No API key is named').and.include('WARDER_TOKEN_FILE')
  })

  it('never says an API key', async () => {
    const { stderr } = await shell.run([...list, '--token-file', 'wrong.key'])
    expect(stderr).to.not.include('AAAA')
  })

  it('takes an option before the environment, and that before the file', async () => {
    const { url, ca, apiKeyFile } = shell.appliance.ready
    const config = shell.path('config/warder')
    await mkdir(config)
    const file = join(config, 'cli.toml')
    const write = (addr: string) =>
      writeFile(file, `addr = "${addr}"\ncacert = "${ca}"\ntoken_file = "${apiKeyFile}"\n`)
    const down = 'https://127.0.0.1:1'
    try {
      await write(url)
      expect((await bare(list)).code, 'the file').to.equal(0)
      expect((await bare(list, { env: { WARDER_ADDR: down } })).code, 'the environment').to.equal(2)
      expect((await bare([...list, '--addr', url], { env: { WARDER_ADDR: down } })).code, 'the option').to.equal(0)
      await write(down)
      expect((await bare(list, { env: { WARDER_ADDR: url } })).code, 'the environment').to.equal(0)
    } finally {
      await rm(config, { recursive: true })
    }
  })

  it('reads JSON format from the environment, and says when a value there is none', async () => {
    expect(JSON.parse(await shell.ok(list, { env: { WARDER_FORMAT: 'json' } }))).to.be.an('array')
    expect(await shell.refused(1, list, { env: { WARDER_FORMAT: 'xml' } }))
      .to.include('WARDER_FORMAT')
      .and.include('table, json')
  })

  it('refuses options and commands that nobody knows, and suggests what was meant', async () => {
    expect(await shell.refused(1, [...list, '--adr', 'x']))
      .to.include("unknown option '--adr'")
      .and.include('Did you mean --addr')
    expect(await shell.refused(1, ['key', 'shwo', 'x']))
      .to.include("unknown command 'shwo'")
      .and.include('Did you mean show')
    expect(await shell.refused(1, ['key', 'show', 'x', 'y'])).to.include('too many arguments')
    expect(await shell.refused(1, [...list, '--timeout', '0'])).to.include('must be a whole number from 1 to 3600')
  })

  it('takes no secret as an option', async () => {
    for (const option of ['--token', '--api-key', '--passphrase', '--pin'])
      expect(await shell.refused(1, ['key', 'import', 'x', 'y', option, 'z'])).to.include(`unknown option '${option}'`)
  })

  it('says its version', async () => {
    expect(await shell.ok(['--version'])).to.match(/^\d+\.\d+\.\d+\n$/)
  })
})
