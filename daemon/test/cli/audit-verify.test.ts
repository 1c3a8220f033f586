import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJournal } from '@warder/core'
import { expect } from 'chai'
import { Journal } from '../../../core/src/audit/journal.ts'
import { openJournalDirectory, readJournalDirectory } from '../../src/journal/journal-directory.ts'
import { runProgram } from './support/run-program.ts'

const origin = '11111111-2222-4333-8444-555555555555'
const segment = '0000000000000000.log'

describe('warder audit verify', () => {
  let work: string
  let journal: string
  let intact: Buffer
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'warder-verify-'))
    journal = join(work, 'data', 'journal')
    await mkdir(join(work, 'data'))
    let seconds = 0
    const opened = await Journal.create(
      {
        files: await openJournalDirectory(journal),
        log: { debug() {}, info() {}, warn() {}, error() {} },
        now: () => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds++)),
        node: 'test',
        redaction: { version: 1, key: Buffer.alloc(32, 7) },
      },
      origin,
    )
    for (const correlation of ['a', 'b', 'c'])
      await opened.append({ type: 'system', action: 'test', correlation, actor: 'system', subject: {}, result: 'ok' })
    await opened.close()
    intact = await readFile(join(journal, segment))
  })
  afterEach(() => writeFile(join(journal, segment), intact))
  after(() => rm(work, { recursive: true, force: true }))

  const verify = (dir: string) => runProgram('index', 'audit', 'verify', '--dir', dir)

  it('says what it found, and what that does not prove; for the journal, its data directory and what holds that', async () => {
    const { chain } = await readJournal(readJournalDirectory(journal), () => {})
    for (const dir of [journal, join(work, 'data'), work]) {
      const { code, stdout, stderr } = await verify(dir)
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      expect(stdout.split('\n')).to.deep.equal([
        'VERIFIED   4 records, 2030-01-01T00:00:00.000Z to 2030-01-01T00:00:03.000Z',
        `origin     ${origin}`,
        `head       ${chain.head}`,
        'not proven that nothing was cut from the end, or all of it rewritten: that needs a signed checkpoint kept elsewhere',
        '',
      ])
    }
  })

  it('tells of a tail that was never acknowledged, and leaves it where it is', async () => {
    await appendFile(join(journal, segment), intact.subarray(0, 30))
    const { code, stdout } = await verify(work)
    expect(code).to.equal(0)
    expect(stdout)
      .to.match(/^VERIFIED {3}4 records/)
      .and.to.match(/^tail {7}30 bytes after the last commit: /m)
    expect((await readFile(join(journal, segment))).length).to.equal(intact.length + 30)
  })

  it('names file, line, byte and reason of damage, on stderr alone, and ends with 1', async () => {
    const damaged = Buffer.from(intact)
    const second = damaged.indexOf('\n') + 1
    const third = damaged.indexOf('\n', second) + 1
    damaged[third + 100] = (damaged[third + 100] as number) ^ 1
    await writeFile(join(journal, segment), damaged)
    expect(await verify(work)).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: `warder: The journal file ${segment} is damaged at line 3 (byte ${third}): hash does not match. [journal-corrupt]\n`,
    })
  })

  it('a directory without a journal is no verified journal', async () => {
    const empty = join(work, 'empty')
    await mkdir(empty)
    expect(await verify(empty)).to.deep.equal({
      code: 1,
      stdout: '',
      stderr: `warder: ${empty} holds no journal. [not-initialised]\n`,
    })
  })

  it('a directory that is not there is named', async () => {
    const { code, stdout, stderr } = await verify(join(work, 'missing'))
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
    expect(stderr)
      .to.match(/^warder: /)
      .and.to.include(join(work, 'missing'))
      .and.to.not.include('    at ')
  })
})
