import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Journal } from '../../../../core/src/audit/journal.ts'
import { judgeTime } from '../../../src/doctor/checks/clock.ts'
import { judgeJournal } from '../../../src/doctor/checks/journal.ts'
import { type JournalFacts, journalFacts } from '../../../src/doctor/journal-facts.ts'
import { openJournalDirectory, readJournalDirectory } from '../../../src/journal/journal-directory.ts'

const start = Date.UTC(2030, 0, 1)
const dayMs = 86_400_000

describe('doctor: the journal', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warder-doctor-'))
    let hours = 0
    const journal = await Journal.create(
      {
        files: await openJournalDirectory(directory),
        log: { debug() {}, info() {}, warn() {}, error() {} },
        now: () => new Date(start + hours++ * 3_600_000),
        node: 'test',
        redaction: { version: 1, key: Buffer.alloc(32, 7) },
      },
      '11111111-2222-4333-8444-555555555555',
    )
    for (let count = 0; count < 95; count++)
      await journal.append({ type: 'system', action: 'test', correlation: 'a', actor: 'a', subject: {}, result: 'ok' })
    await journal.close()
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const look = (now = start + 4 * dayMs) => journalFacts(directory, readJournalDirectory(directory), new Date(now))
  const judged = async (facts?: JournalFacts) =>
    judgeJournal(facts ?? (await look()), directory, '/etc/warder/warder.toml')
  const segment = () => join(directory, '0000000000000000.log')

  it('is well: it verifies, has room for long, and its reserve', async () => {
    const facts = await look()
    if (facts.state !== 'verified') throw new Error(facts.state)
    expect(facts).to.include({ records: 96, tail: 0, reserveBytes: 131_072 })
    expect(facts.newest.getTime()).to.equal(start + 95 * 3_600_000)
    expect(facts.bytesPerDay).to.be.closeTo(facts.bytes / 4, 1)
    expect((await judged()).map(({ status }) => status)).to.deep.equal(['ok', 'ok', 'ok'])
  })

  it('says that a young one does not tell yet how it grows', async () => {
    const facts = await look(start + dayMs / 2)
    const [, space] = await judged(facts)
    expect(space).to.include({ status: 'note' })
  })

  it('tells of what follows the last commit, of a reserve that is short, and of damage', async () => {
    const intact = await readFile(segment())
    await appendFile(segment(), intact.subarray(0, 30))
    await truncate(join(directory, 'reserve'), 10)
    const found = await judged()
    expect(found.map(({ check, status }) => [check, status])).to.deep.equal([
      ['journal', 'ok'],
      ['journal', 'note'],
      ['journal space', 'ok'],
      ['journal reserve', 'warning'],
    ])
    const damaged = Buffer.from(intact)
    damaged[500] = (damaged[500] ?? 0) ^ 1
    await writeFile(segment(), damaged)
    const [corrupt, ...others] = await judged()
    expect([corrupt?.status, others]).to.deep.equal(['problem', []])
    expect(corrupt?.found).to.include('is damaged at line')
    await writeFile(segment(), intact)
  })

  it('tells a journal that is not there from one that may not be read', async () => {
    const absent = await journalFacts('/nowhere', readJournalDirectory('/nowhere'), new Date(start))
    expect((await judged(absent))[0]).to.include({ status: 'problem' })
    const [unread] = await judged({ state: 'unreadable', reason: 'EACCES' })
    expect(unread).to.deep.include({
      status: 'not-checked',
      fix: 'sudo warder doctor --config /etc/warder/warder.toml',
    })
  })

  it('warns before the disk is full, by what it grew lately', async () => {
    const facts = await look()
    if (facts.state !== 'verified') throw new Error(facts.state)
    const gibibyte = 1024 ** 3
    const status = async (freeBytes: number, bytesPerDay: number) =>
      (await judged({ ...facts, freeBytes, bytesPerDay }))[1]?.status
    expect(await status(100 * gibibyte, gibibyte)).to.equal('ok')
    expect(await status(10 * gibibyte, gibibyte)).to.equal('warning')
    expect(await status(2 * gibibyte, gibibyte)).to.equal('problem')
    expect(await status(1024, 0)).to.equal('problem')
  })

  it('and the clock: one that is behind its newest record was set back', async () => {
    const newest = start + 95 * 3_600_000
    expect(judgeTime(await look(), new Date(newest))).to.include({ status: 'ok' })
    expect(judgeTime(await look(), new Date(newest - 60_000))).to.include({ status: 'problem' })
    expect(judgeTime({ state: 'absent' }, new Date())).to.include({ status: 'not-checked' })
  })
})
