import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { layout } from '../../src/dev/prepare.ts'
import { type Program, runProgram, startProgram } from '../cli/support/run-program.ts'

interface Ready {
  readonly url: string
  readonly ca: string
  readonly apiKeyFile: string
  readonly dir: string
  readonly pid: number
}

describe('warder dev', function () {
  this.timeout(60_000)
  let work: string
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'warder-dev-'))
  })
  after(() => rm(work, { recursive: true, force: true }))

  async function ready({ child }: Program, file: string): Promise<Ready> {
    while (!existsSync(file)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('it did not start')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    return JSON.parse(await readFile(file, 'utf8')) as Ready
  }

  const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

  it('without --dir it keeps everything in a temporary directory, and removes that when it is told to end', async () => {
    const temporary = await mkdtemp(join(work, 'tmp-'))
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const readyFile = join(work, `ready-${signal}.json`)
      const started = startProgram('index', ['dev', '--port', '0', '--ready-file', readyFile], { TMPDIR: temporary })
      const said = await ready(started, readyFile)
      expect(Object.keys(said).toSorted()).to.deep.equal(['apiKeyFile', 'ca', 'dir', 'pid', 'url'])
      expect(said.url).to.match(/^https:\/\/127\.0\.0\.1:[1-9]\d*$/)
      expect(said.dir.startsWith(join(temporary, 'warder-'))).to.equal(true)
      expect(said).to.include({ ca: layout(said.dir).ca, apiKeyFile: layout(said.dir).apiKey, pid: started.child.pid })
      expect(await readFile(said.ca, 'utf8')).to.match(/^-----BEGIN CERTIFICATE-----\n/)
      expect(await readFile(said.apiKeyFile, 'utf8')).to.match(/^wrd_[0-9a-f]{16}_[A-Za-z0-9_-]{54}\n$/)
      expect(await modeOf(readyFile)).to.equal('600')
      expect(await modeOf(said.dir)).to.equal('700')

      started.child.kill(signal)
      const { code, stdout } = await started.ended
      expect(code).to.equal(0)
      expect(stdout).to.include('Do not put keys here that matter.').and.to.include(said.url)
      expect(stdout).to.not.match(/wrd_[0-9a-f]{16}_/)
      expect((await readdir(temporary)).filter(name => name.startsWith('warder-'))).to.deep.equal([])
    }
  })

  it('with --dir it keeps everything there, for its user alone, and nothing that is secret in the open', async () => {
    const dir = join(work, 'kept')
    const readyFile = join(work, 'ready-kept.json')
    const started = startProgram('index', ['dev', '--dir', dir, '--port', '0', '--ready-file', readyFile])
    await ready(started, readyFile)
    const at = layout(dir)
    for (const each of [dir, at.run, at.data, at.tls, join(at.data, 'journal')])
      expect(await modeOf(each), each).to.equal('700')
    for (const each of [at.apiKey, at.key, at.config, join(at.data, 'store-secret.json'), join(at.token, 'pin')])
      expect(await modeOf(each), each).to.equal('600')
    const apiKey = (await readFile(at.apiKey, 'utf8')).trim()
    const pin = (await readFile(join(at.token, 'pin'), 'utf8')).trim()
    for (const file of [at.config, join(at.token, 'hsm.json'), join(at.data, 'journal', '0000000000000000.log')]) {
      const text = await readFile(file, 'utf8')
      expect(text.includes(apiKey.slice(21)) || text.includes(pin), file).to.equal(false)
    }
    // one appliance for a directory: a second one must not take it over
    const second = await runProgram('index', 'dev', '--dir', dir, '--port', '0')
    expect(second.code).to.equal(1)
    expect(second.stderr).to.match(/^warder: Another process works on .*\[config-invalid\]$/m)
    started.child.kill('SIGTERM')
    expect((await started.ended).code).to.equal(0)
    expect(existsSync(at.apiKey)).to.equal(true)
  })

  it('on a port that is taken it says which, ends with 1 and leaves nothing behind', async () => {
    const temporary = await mkdtemp(join(work, 'tmp-'))
    const taken = createServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    const port = String((taken.address() as AddressInfo).port)
    try {
      const started = startProgram('index', ['dev', '--port', port], { TMPDIR: temporary })
      const { code, stdout, stderr } = await started.ended
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
      expect(stderr)
        .to.match(/^warder: .*address already in use.*$/m)
        .and.to.include(port)
      expect(stderr).to.not.include('    at ')
      expect((await readdir(temporary)).filter(name => name.startsWith('warder-'))).to.deep.equal([])
    } finally {
      taken.close()
    }
  })
})
