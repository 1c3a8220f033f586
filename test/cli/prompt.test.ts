import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { until } from '../support/until.ts'
import { program, quoted, Shell } from './support/cli.ts'

describe('warder on a terminal', () => {
  let shell: Shell
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
    await shell.ok(['key', 'create', 'orders', '--algorithm', 'P-256', '--description', 'x'.repeat(200)])
  })
  after(() => shell[Symbol.asyncDispose]())

  /** Runs it in a terminal of script(1), and types each answer once its question is shown. */
  async function onTerminal(
    args: readonly string[],
    answers: readonly (readonly [question: string, answer: string])[],
    env: Readonly<Record<string, string>> = {},
    command: (words: readonly string[]) => string = quoted,
  ): Promise<{ readonly code: number | null; readonly shown: string }> {
    const { WARDER_ADDR = '', WARDER_CACERT = '' } = shell.env
    // Node takes a machine that says it is a CI for one without colours.
    const { CI: _, ...inherited } = process.env
    const environment = {
      ...inherited,
      TERM: 'xterm-256color',
      XDG_CONFIG_HOME: shell.path('config'),
      WARDER_ADDR,
      WARDER_CACERT,
      ...env,
    }
    const child = spawn('script', ['-qefc', command([...program, ...args]), '/dev/null'], {
      cwd: shell.cwd,
      env: environment,
    })
    let shown = ''
    let ended: number | null | undefined
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
    child.once('close', code => (ended = code))
    try {
      for (const [question, answer] of answers) {
        await until(`${question} in ${shown}`, () => shown.includes(question))
        child.stdin.write(answer)
      }
      await until(`the end of ${shown}`, () => ended !== undefined)
    } finally {
      child.kill('SIGKILL')
    }
    return { code: ended ?? null, shown }
  }

  it('asks for an API key when none is named, and does not show it', async () => {
    const apiKey = (await readFile(shell.appliance.ready.apiKeyFile, 'utf8')).trim()
    const { code, shown } = await onTerminal(['space', 'list'], [['API key: ', `x\u007f${apiKey}\r`]])
    expect(code, shown).to.equal(0)
    expect(shown).to.include('default').and.to.not.include(apiKey)
  })

  it('gives up when the person does', async () => {
    const { code, shown } = await onTerminal(['space', 'list'], [['API key: ', 'wrd_\u0003']])
    expect(code).to.equal(1)
    expect(shown).to.include('Given up.')
  })

  it('does not ask with --no-input', async () => {
    const { code, shown } = await onTerminal(['space', 'list', '--no-input'], [])
    expect(code).to.equal(1)
    expect(shown).to.include('No API key is named')
  })

  it('asks for the name of a key before it is destroyed', async () => {
    const { WARDER_TOKEN_FILE = '' } = shell.env
    const destroy = (answer: string) =>
      onTerminal(['key', 'destroy', 'orders'], [['Type the name of the key to go on: ', `${answer}\r`]], {
        WARDER_TOKEN_FILE,
      })
    expect((await destroy('order')).shown).to.include('That is not its name; nothing was done.')
    expect((await shell.json<{ state: string }>(['key', 'show', 'orders'])).state).to.equal('enabled')
    const { code, shown } = await destroy('orders')
    expect(code).to.equal(0)
    expect(shown).to.include('pending-destruction')
  })

  it('shows tables in colour, unless NO_COLOR is set', async () => {
    const { WARDER_TOKEN_FILE = '' } = shell.env
    const bold = '\u001b[1m'
    expect((await onTerminal(['key', 'list'], [], { WARDER_TOKEN_FILE })).shown).to.include(bold)
    expect((await onTerminal(['key', 'list'], [], { WARDER_TOKEN_FILE, NO_COLOR: '1' })).shown).to.not.include(bold)
    expect(await shell.ok(['key', 'list'])).to.not.include(bold)
  })

  it('shows a bar while a journal is read, in colour unless NO_COLOR, and takes it away', async () => {
    const args = ['audit', 'verify', '--dir', shell.appliance.dir]
    const { code, shown } = await onTerminal(args, [])
    expect([code, /reading the journal/.test(shown), /VERIFIED/.test(shown)]).to.deep.equal([0, true, true])
    expect(shown).to.include('\u001b[36m')
    const plain = await onTerminal(args, [], { NO_COLOR: '1' })
    expect(plain.shown).to.include('reading the journal').and.not.include('\u001b[36m')
  })

  it('shows none beside data that goes to a program, and none for a small file', async () => {
    const args = ['audit', 'verify', '--dir', shell.appliance.dir, '--format', 'json']
    const piped = await onTerminal(args, [], {}, words => `${quoted(words)} | cat`)
    expect(piped.shown).to.include('"verified": true').and.not.include('reading the journal')
    await shell.ok(['key', 'create', 'bars', '--algorithm', 'P-256'])
    const file = await shell.write('small', 'x'.repeat(100_000))
    const token = { WARDER_TOKEN_FILE: shell.env['WARDER_TOKEN_FILE'] ?? '' }
    const { code, shown } = await onTerminal(['sign', file, '--key', 'bars', '--out', 'small.sig'], [], token)
    expect([code, shown]).to.deep.equal([0, ''])
  })

  it('shows one while a long file is encrypted, decrypted or hashed', async function () {
    this.timeout(60_000)
    const token = { WARDER_TOKEN_FILE: shell.env['WARDER_TOKEN_FILE'] ?? '' }
    await shell.ok(['key', 'create', 'files', '--algorithm', 'AES-256'])
    const file = await shell.write('long', Buffer.alloc(24 * 1024 * 1024, 'warder'))
    const of = async (...args: string[]) => {
      const { code, shown } = await onTerminal(args, [], token)
      expect(code, shown).to.equal(0)
      return shown
    }
    expect(await of('encrypt', file, '--key', 'files', '--out', 'long.enc')).to.include('encrypting')
    expect(await of('decrypt', 'long.enc', '--key', 'files', '--out', 'long.dec')).to.include('decrypting')
    expect(await of('sign', file, '--key', 'bars', '--out', 'long.sig')).to.include('hashing')
  })
})
