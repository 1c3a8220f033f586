import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { json, startServer } from '../client/support/server.ts'

const source = fileURLToPath(new URL('../../src/cli/index.ts', import.meta.url))
const built = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
const nativeModule = /\.node$/

interface Told {
  readonly cpuMs: number
  readonly sharedObjects: readonly string[]
}

/** On exit a program that preloads this says what it took and which libraries it has loaded. */
const preload = `process.once('exit', () => {
  const { user, system } = process.cpuUsage()
  const told = { cpuMs: (user + system) / 1000, sharedObjects: process.report.getReport().sharedObjects }
  require('node:fs').writeFileSync(process.env.TOLD, JSON.stringify(told))
})`

describe('the program loads what a command needs, when it needs it', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-startup-'))
    await writeFile(join(directory, 'preload.cjs'), preload)
  })
  after(() => rm(directory, { recursive: true }))

  async function run(nodeOptions: readonly string[], ...args: readonly string[]): Promise<Told> {
    const file = join(directory, 'told.json')
    const env = { ...process.env, TOLD: file, XDG_CONFIG_HOME: directory }
    const options = ['--require', join(directory, 'preload.cjs'), ...nodeOptions]
    const child = spawn(process.execPath, [...options, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const code = await new Promise(resolve => child.once('close', resolve))
    expect(code, stderr).to.equal(0)
    const { default: told } = (await import(`file://${file}?${Math.random()}`, { with: { type: 'json' } })) as {
      default: Told
    }
    return told
  }
  const fromSource = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { sharedObjects } = await run(process.execArgv, source, ...args)
    return sharedObjects.filter(name => nativeModule.test(name))
  }

  it('--help loads no native module', async () => {
    expect(await fromSource('--help')).to.deep.equal([])
    expect(await fromSource('key', 'create', '--help')).to.deep.equal([])
  })

  it('a command that talks to an appliance loads none either: a laptop needs none', async () => {
    const server = await startServer([json(200, { items: [] })])
    try {
      await writeFile(join(directory, 'ca.pem'), server.ca)
      await writeFile(join(directory, 'key'), 'wrd_id_secret', { mode: 0o600 })
      const flags = [
        '--addr',
        server.url.origin,
        '--cacert',
        join(directory, 'ca.pem'),
        '--token-file',
        join(directory, 'key'),
      ]
      expect(await fromSource('key', 'list', ...flags)).to.deep.equal([])
    } finally {
      await server[Symbol.asyncDispose]()
    }
  })

  it('--help takes little more of the processor than an empty program, as built', async () => {
    expect(existsSync(built), 'built: npm run build').to.equal(true)
    const nothing = join(directory, 'nothing.cjs')
    await writeFile(nothing, '')
    const [help, empty]: [number[], number[]] = [[], []]
    for (let count = 0; count < 5; count++) {
      help.push((await run([], built, '--help')).cpuMs)
      empty.push((await run([], nothing)).cpuMs)
    }
    // both on the same machine, which may be a slow one: in milliseconds alone this failed there
    expect(Math.min(...help) / Math.min(...empty)).to.be.lessThan(3)
  })
})
