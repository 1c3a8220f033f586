import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { root } from '../support/files.ts'
import { program, quoted, Shell } from './support/cli.ts'

const page = await readFile(join(root, 'docs/cli.md'), 'utf8')
const examples = [...page.matchAll(/^```sh\n([^]*?)```$/gm)].flatMap(([, block = '']) => block.trimEnd().split('\n'))

describe('docs/cli.md', () => {
  let shell: Shell
  before(async function () {
    this.timeout(60_000)
    shell = await Shell.start()
    // What the examples take for granted.
    await shell.ok(['space', 'create', 'payments'])
    await shell.ok(['key', 'create', 'backups', '--algorithm', 'AES-256', '--exportable'])
    await shell.ok(['key', 'create', 'webhooks', '--algorithm', 'HMAC-SHA-256'])
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await shell.write('payments.pem', pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await shell.write('recipient.pem', pair.publicKey.export({ type: 'spki', format: 'pem' }))
    for (const name of ['release.tar', 'dump.sql', 'body.json'])
      await writeFile(shell.path(name), name.repeat(10_000).slice(0, 60_000))
  })
  after(() => shell[Symbol.asyncDispose]())

  it('has examples that work, in order', async function () {
    this.timeout(120_000)
    // The system's directories, and what never ends, are not for a test. What is for the host of an appliance that is stopped,
    // or needs a backup, is run by test/docs: the first hour and the runbook.
    const elsewhere = /completion|--follow|^warder (?:backup|restore|audit accept-loss|verify store|admin recover)\b/
    const runnable = examples.filter(line => !elsewhere.test(line))
    expect(runnable).to.have.length.greaterThan(10)
    const { apiKey } = await shell.json<{ apiKey: { id: string } }>([
      'apikey',
      'create',
      '--identity',
      'old',
      '--spaces',
      'payments',
      '--permissions',
      'use',
      '--out',
      'old.key',
    ])
    for (const line of runnable) {
      const ready = line.replace('0123456789abcdef', apiKey.id).replace('/var/lib/warder', shell.appliance.dir)
      const { code, stderr } = await runLine(shell, ready)
      expect(code, `${line}: ${stderr}`).to.equal(0)
    }
  })
})

function runLine({ cwd, env }: Shell, line: string): Promise<{ code: number | null; stderr: string }> {
  const script = `set -euo pipefail\nwarder() { ${quoted(program)} "$@"; }\n${line}`
  const child = spawn('bash', ['-c', script], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise(resolve => child.once('close', code => resolve({ code, stderr })))
}
