import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import type { JournalRecord } from '../../src/audit/event.ts'
import { Journal } from '../../src/audit/journal.ts'
import { segmentName } from '../../src/audit/line.ts'
import { readJournal } from '../../src/audit/read.ts'
import { contextOver, event } from '../support/journal.ts'
import { MemoryFiles } from '../support/memory-files.ts'

const first = segmentName(0)

async function recordsOf(files: MemoryFiles): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  await readJournal(files, record => records.push(record))
  return records
}

async function rejection(promise: Promise<unknown>): Promise<WarderError> {
  try {
    await promise
  } catch (error) {
    if (WarderError.is(error)) return error
    throw error
  }
  throw new Error('it resolved')
}

describe('the journal', () => {
  it('gives each record the next number and chains it to the one before', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    const appended = await Promise.all([1, 2, 3].map(n => journal.append(event(n))))
    expect(appended.map(({ seq }) => seq)).to.deep.equal([1, 2, 3])
    const records = await recordsOf(files)
    expect(records.map(({ action }) => action)).to.deep.equal(['journal:genesis', 'key:sign', 'key:sign', 'key:sign'])
    expect(records[2]?.prev).to.equal(appended[0]?.hash)
    await journal.close()
  })

  it('writes what arrives during a sync as one batch', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    let open = (): void => {}
    files.gate = new Promise(resolve => (open = resolve))
    const before = files.writes
    const all = [journal.append(event(0))]
    await new Promise(resolve => setImmediate(resolve))
    for (let n = 1; n <= 100; n++) all.push(journal.append(event(n)))
    open()
    await Promise.all(all)
    expect(files.writes - before).to.equal(2)
    await journal.close()
  })

  it('resolves nothing before it is written', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    let open = (): void => {}
    files.gate = new Promise(resolve => (open = resolve))
    let resolved = false
    const appended = journal.append(event(1)).then(() => (resolved = true))
    await new Promise(resolve => setImmediate(resolve))
    expect(resolved).to.equal(false)
    open()
    await appended
    await journal.close()
  })

  it('goes on where it stopped, in a new segment after 65,536 records', async function () {
    this.timeout(60_000)
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files, 100_000), 'origin-1')
    await Promise.all(Array.from({ length: 65_540 }, (_, n) => journal.append(event(n))))
    await journal.close()
    expect([...files.contents.keys()]).to.deep.equal([first, segmentName(65_536)])
    let count = 0
    const again = await Journal.open(contextOver(files), () => count++)
    expect(count).to.equal(65_541)
    expect((await again.append(event(1))).seq).to.equal(65_542)
    await again.close()

    const { contents } = files
    const lost = new MemoryFiles()
    lost.contents.set(segmentName(65_536), contents.get(segmentName(65_536)) as Buffer)
    expect((await rejection(readJournal(lost, () => {}))).facts['reason']).to.equal(`segment ${first} is missing`)
    const cut = new MemoryFiles()
    cut.contents.set(first, (contents.get(first) as Buffer).subarray(0, -200))
    cut.contents.set(segmentName(65_536), contents.get(segmentName(65_536)) as Buffer)
    expect((await rejection(readJournal(cut, () => {}))).code).to.equal('journal-corrupt')
  })

  it('refuses more than its queue holds, and takes more when there is room', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files, 10), 'origin-1')
    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => journal.append(event(n))))
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(10)
    const refused = results.find(result => result.status === 'rejected')
    expect(WarderError.is(refused?.reason, 'over-capacity')).to.equal(true)
    await journal.append(event(13))
    expect(await recordsOf(files)).to.have.length(12)
    await journal.close()
  })

  it('lesson: an fsync that failed is never repeated; the journal stays closed', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    files.fault = { reason: 'io-error', keep: 0 }
    expect((await rejection(journal.append(event(1)))).code).to.equal('journal-unavailable')
    files.fault = undefined
    expect((await rejection(journal.append(event(2)))).facts['reason']).to.equal('io-error')
    expect(journal.health().ok).to.equal(false)
    expect(await recordsOf(files)).to.have.length(1)
    await journal.close()
  })

  it('leaves a last record that says why when the disk is full', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    await journal.append(event(1))
    files.fault = { reason: 'no-space', keep: 50 }
    const results = await Promise.allSettled([journal.append(event(2)), journal.append(event(3))])
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    await journal.close()
    const records = await recordsOf(files)
    expect(records.map(({ action }) => action)).to.deep.equal(['journal:genesis', 'key:sign', 'journal:stop'])
    const again = await Journal.open(contextOver(files), () => {})
    expect((await again.append(event(4))).seq).to.equal(4)
    await again.close()
  })

  it('replaces what is not declared public by a keyed digest, whatever its type', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    const secrets = {
      input: Buffer.from('payload'),
      description: 'payroll',
      pin: 1234,
      flag: true,
      nothing: null,
      list: ['payload'],
    }
    await journal.append(event(1, secrets))
    await journal.append(event(2, { pin: '1234' }))
    await journal.close()
    const [, one, two] = await recordsOf(files)
    expect(one?.redacted).to.deep.equal(Object.keys(secrets))
    expect(one?.subject['space']).to.equal('default')
    const text = (files.contents.get(first) as Buffer).toString()
    for (const secret of ['payload', 'payroll', '1234', Buffer.from('payload').toString('base64')]) {
      expect(
        text.replaceAll(/"(salt|ts|prev)":"[^"]*"|hmac-sha256:1:[\w-]*|^[0-9a-f]{64}|[0-9a-f]{64}$/gm, ''),
      ).not.to.contain(secret)
    }
    expect(one?.subject['pin']).to.match(/^hmac-sha256:1:[\w-]{43}$/)
    expect(two?.subject['pin']).not.to.equal(one?.subject['pin'])
  })

  it('takes a record of 65,535 bytes, and refuses a longer one without losing its place', async () => {
    const files = new MemoryFiles()
    const journal = await Journal.create(contextOver(files), 'origin-1')
    await journal.append(event(1, { name: '' }))
    const [, line = ''] = (files.contents.get(first) as Buffer).toString().match(/^[0-9a-f]{64} .*$/gm) ?? []
    const room = 65_535 - (line.length - 65)
    // of two bytes a character: their count alone says nothing
    const longest = 'ß'.repeat(room / 2) + 'x'.repeat(room % 2)
    const refused: unknown = await journal.append(event(1, { name: `${longest}x` })).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(TypeError)
    expect((await journal.append(event(1, { name: longest }))).seq).to.equal(2)
    await journal.close()
    expect(await recordsOf(files)).to.have.length(3)
  })

  it('never replaces a journal that is there', async () => {
    const files = new MemoryFiles()
    await (await Journal.create(contextOver(files), 'origin-1')).close()
    expect((await rejection(Journal.create(contextOver(files), 'origin-2'))).code).to.equal('already-initialised')
  })

  it('lesson: a journal that is gone is not opened as an empty one', async () => {
    expect((await rejection(Journal.open(contextOver(new MemoryFiles()), () => {}))).code).to.equal('not-initialised')
  })
})
