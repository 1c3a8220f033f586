import { type StoredRecord, WarderError } from '@warder/contract'
import { expect } from 'chai'
import { Journal } from '../../src/audit/journal.ts'
import { HeadIndex } from '../../src/records/head-index.ts'
import { recentMs } from '../../src/records/opened-records.ts'
import { change, removal, Repository } from '../../src/records/repository.ts'
import { Disks, draft, notes, op } from '../support/foundation.ts'
import { contextOver } from '../support/journal.ts'

/** A repository over a disk, with a clock that the test moves and a count of what storage was asked. */
class Bench {
  readonly disks = new Disks()
  readonly asked: string[] = []
  now = 1_000_000
  /** While it is there storage answers no read. */
  gate: Promise<void> | undefined

  async repository(): Promise<Repository> {
    const journal = await Journal.create(contextOver(this.disks.files), 'origin-1')
    const store = await this.disks.store()
    const { get } = store
    store.get = async (collection, id, each) => {
      this.asked.push(id)
      await this.gate
      return get.call(store, collection, id, each)
    }
    const keys = { generation: 1, encryption: Buffer.alloc(32, 1), mac: Buffer.alloc(32, 2) }
    return new Repository({ store, journal, keys, heads: new HeadIndex(), clock: () => this.now })
  }

  stored(): StoredRecord {
    return this.disks.medium.get('notes', 'a') as StoredRecord
  }
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it resolved',
    (error: unknown) => (WarderError.is(error) ? error.code : String(error)),
  )

describe('a record that is read to be used', () => {
  let bench: Bench
  let repository: Repository
  beforeEach(async () => {
    bench = new Bench()
    repository = await bench.repository()
    await repository.write(draft, [change(notes, 'a', 'absent', { text: 'one' })], op)
    await repository.readToUse(notes, 'a', op)
    bench.asked.length = 0
  })

  it('is not asked for again for a moment, and is after it', async () => {
    for (let ms = 0; ms < recentMs / 2; ms++) {
      expect(await repository.readToUse(notes, 'a', op)).to.deep.equal({ value: { text: 'one' }, revision: 1 })
      bench.now++
    }
    expect(bench.asked).to.deep.equal([])
    bench.now += recentMs
    expect(await repository.requireToUse(notes, 'a', op)).to.deep.equal({ value: { text: 'one' }, revision: 1 })
    expect(bench.asked).to.deep.equal(['a'])
    await repository.readToUse(notes, 'a', op)
    expect(bench.asked).to.deep.equal(['a'])
  })

  it('is asked for by every read that is not for a use', async () => {
    await repository.read(notes, 'a', op)
    await repository.require(notes, 'a', op)
    expect(bench.asked).to.deep.equal(['a', 'a'])
  })

  it('is asked for by one of many once half of the moment has passed, while the others have their answer', async () => {
    bench.now += recentMs / 2
    let open = (): void => {}
    bench.gate = new Promise(resolve => (open = resolve))
    const first = repository.readToUse(notes, 'a', op)
    await Promise.all(Array.from({ length: 63 }, () => repository.readToUse(notes, 'a', op)))
    expect(bench.asked).to.deep.equal(['a'])
    bench.now += recentMs / 2 - 1
    await repository.readToUse(notes, 'a', op)
    expect(bench.asked).to.deep.equal(['a'])
    // who asked has no answer yet, and the moment is over: each asks now
    bench.now++
    const late = repository.readToUse(notes, 'a', op)
    expect(bench.asked).to.deep.equal(['a', 'a'])
    open()
    await Promise.all([first, late])
  })

  it('counts from when storage was asked, not from when it answered', async () => {
    bench.now += recentMs
    let open = (): void => {}
    bench.gate = new Promise(resolve => (open = resolve))
    const slow = repository.readToUse(notes, 'a', op)
    bench.now += recentMs
    open()
    await slow
    bench.gate = undefined
    await repository.readToUse(notes, 'a', op)
    expect(bench.asked).to.deep.equal(['a', 'a'])
  })

  it('is the new state as soon as a change has been answered, and gone once it was deleted', async () => {
    await repository.write(draft, [change(notes, 'a', 1, { text: 'two' })], op)
    expect((await repository.readToUse(notes, 'a', op))?.value).to.deep.equal({ text: 'two' })
    await repository.write(draft, [removal(notes, 'a', 2)], op)
    expect(await repository.readToUse(notes, 'a', op)).to.equal(undefined)
    expect(await codeOf(repository.requireToUse(notes, 'a', op))).to.equal('record-missing')
  })

  it('never goes back while it is being written', async () => {
    let writing = true
    const writer = (async () => {
      for (let n = 1; n <= 100; n++) await repository.write(draft, [change(notes, 'a', n, { text: `${n}` })], op)
      writing = false
    })()
    let last = 0
    while (writing) {
      const { revision = 0 } = (await repository.readToUse(notes, 'a', op)) ?? {}
      expect(revision).to.be.at.least(last)
      last = revision
      bench.now++
      await new Promise(resolve => setImmediate(resolve))
    }
    await writer
    expect((await repository.readToUse(notes, 'a', op))?.revision).to.equal(101)
  })

  const interferences: readonly (readonly [string, (bench: Bench, first: StoredRecord) => void, string])[] = [
    ['put back to an older state', ({ disks }, first) => disks.medium.set(first), 'record-rolled-back'],
    ['removed', ({ disks }) => disks.medium.remove('notes', 'a'), 'record-missing'],
    ['changed', each => each.disks.medium.set({ ...each.stored(), attributes: {} }), 'record-corrupt'],
  ]
  for (const [what, interfere, code] of interferences)
    it(`that was ${what} in storage is used for the moment, unless somebody has seen it`, async () => {
      const first = bench.stored()
      await repository.write(draft, [change(notes, 'a', 1, { text: 'two' })], op)
      await repository.readToUse(notes, 'a', op)
      interfere(bench, first)
      expect((await repository.readToUse(notes, 'a', op))?.value).to.deep.equal({ text: 'two' })
      expect(await codeOf(repository.read(notes, 'a', op)), 'a read that is for no use').to.equal(code)
      expect(await codeOf(repository.readToUse(notes, 'a', op)), 'after somebody saw it').to.equal(code)
    })

  it('that was removed is refused after the moment when nobody else looks', async () => {
    bench.disks.medium.remove('notes', 'a')
    bench.now += recentMs
    expect(await codeOf(repository.readToUse(notes, 'a', op))).to.equal('record-missing')
  })

  it('is given to nobody who has gone', async () => {
    const gone = { signal: AbortSignal.abort() }
    expect(await codeOf(repository.readToUse(notes, 'a', gone))).to.equal('cancelled')
    expect(await codeOf(repository.requireToUse(notes, 'a', gone))).to.equal('cancelled')
    expect(bench.asked).to.deep.equal([])
  })
})
