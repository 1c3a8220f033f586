import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { blocksOf, readPage } from './support/page.ts'

const [check, list] = blocksOf(await readPage('docs/journal.md')).filter(({ language }) => language === 'sh')

describe('docs/journal.md', function () {
  this.timeout(60_000)
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
    await appliance.admin.post('/v1/spaces/default/keys', { name: 'one', algorithm: 'P-256' })
    await appliance.admin.post('/v1/spaces/default/keys/one:sign', { input: 'AAAA' })
    await appliance.stop()
  })
  after(() => appliance[Symbol.asyncDispose]())

  const run = async (script = ''): Promise<string> =>
    (await promisify(execFile)('bash', ['-c', script], { cwd: join(appliance.dir, 'data') })).stdout

  it('has a check by hand that passes a journal, and finds a byte that changed', async () => {
    expect(await run(check?.text)).to.match(/verified\n$/)
    const journal = await readFile(appliance.journalFile, 'utf8')
    await writeFile(appliance.journalFile, journal.replace('"key:sign"', '"key:sigh"'))
    const said = await run(check?.text).catch((error: { stdout: string }) => error.stdout)
    expect(said)
      .to.match(/^bad hash: .*"key:sigh"/m)
      .and.to.not.include('verified')
    await writeFile(appliance.journalFile, journal)
  })

  it('shows who signed what', async () => {
    expect(await run(list?.text)).to.match(/^\d{4}-\S+Z\tadministrator\t[0-9a-f-]{36}\tok\n$/)
  })
})
