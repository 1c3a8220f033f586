import type { Store, StoredRecord } from '@warder/contract'
import { expect } from 'chai'
import { copyJournal } from '../../src/audit/copy.ts'
import type { Foundation } from '../../src/engine.ts'
import { readHeads } from '../../src/recovery/heads.ts'
import { restoreRecords } from '../../src/recovery/restore-records.ts'
import type { CopyPoint } from '../../src/records/copy.ts'
import { change, removal } from '../../src/records/repository.ts'
import { digestOf } from '../../src/records/seal.ts'
import { Disks, draft, notes, op } from '../support/foundation.ts'

async function copyAll({ repository }: Foundation): Promise<{ records: StoredRecord[]; point: CopyPoint }> {
  const records: StoredRecord[] = []
  const copy = repository.copy(op)
  for (;;) {
    const step = await copy.next()
    if (step.done === true) return { records, point: step.value }
    records.push(step.value)
    // As slow as whoever takes it: others get their turn.
    if (records.length % 8 === 0) await new Promise(resolve => void setImmediate(resolve))
  }
}

const write = ({ repository }: Foundation, id: string, text: string): Promise<void> =>
  repository.exclusive(notes, id, async () => {
    const expected = repository.revision(notes, id) ?? 'absent'
    await repository.write(draft, [change(notes, id, expected, { text })], op)
  })

/** What the journal says of all records at a point, and nothing later. */
async function stateAt(disks: Disks, seq: number): Promise<Map<string, string>> {
  const { heads } = await readHeads(disks.files, undefined, seq)
  return new Map([...heads.entries()].flatMap(({ id, head }) => (head.digest === null ? [] : [[id, head.digest]])))
}

describe('a copy of all records', () => {
  let disks: Disks
  let opened: Foundation
  beforeEach(async () => {
    disks = new Disks()
    await disks.create()
    opened = await disks.boot()
  })
  afterEach(() => opened.journal.close())

  it('is the state at the point it names, exactly, while writers go on', async () => {
    await opened.journal.close()
    opened = await disks.boot(slowToRead(await disks.store()))
    for (let n = 0; n < 300; n++) await write(opened, `n-${n}`, 'first')
    let running = true
    let writes = 0
    const writers = [0, 1, 2, 3].map(async lane => {
      for (let n = lane; running; n += 7) {
        const id = `n-${n % 320}`
        await write(opened, id, `at ${writes++}`)
        if (n % 5 === 0) {
          await opened.repository.exclusive(notes, id, async () => {
            const revision = opened.repository.revision(notes, id)
            if (revision !== undefined) await opened.repository.write(draft, [removal(notes, id, revision)], op)
          })
        }
        await new Promise(resolve => void setImmediate(resolve))
      }
    })
    try {
      for (let round = 0; round < 5; round++) {
        const before = writes
        const { records, point } = await copyAll(opened)
        const { next } = point.journal
        const state = await stateAt(disks, next - 1)
        expect(point.records).to.equal(state.size)
        const copied = new Set(records.map(({ id, body }) => `${id} ${digestOf(body)}`))
        for (const [id, digest] of state) expect(copied.has(`${id} ${digest}`), `${id} at ${next - 1}`).to.equal(true)
        expect(writes).to.be.greaterThan(before)
        // The journal up to there, and no further, is what goes with it.
        const copy = new Disks()
        for await (const { segment, bytes } of copyJournal(disks.files, point.journal)) {
          const begun = copy.files.contents.get(segment) ?? Buffer.alloc(0)
          copy.files.contents.set(segment, Buffer.concat([begun, bytes]))
        }
        const { heads, end, pending } = await readHeads(copy.files)
        expect({ seq: end?.seq, running: end?.running }).to.deep.equal({
          seq: next - 1,
          running: point.journal.running,
        })
        expect(pending.size).to.equal(0)
        // And restored it is that state, record for record.
        const restored = await copy.store()
        await restoreRecords(restored, heads, each(records), op)
        const found = new Map(copy.medium.ids('notes').map(id => [id, digestOf(bodyOf(copy, id))]))
        for (const [id, digest] of state) expect(found.get(id)).to.equal(digest)
        expect(found.size).to.equal(state.size)
      }
    } finally {
      running = false
      await Promise.all(writers)
    }
  })

  it('refuses storage that put a record back, or lost one, and names it', async () => {
    await write(opened, 'a', 'one')
    const old = disks.medium.get('notes', 'a')
    await write(opened, 'a', 'two')
    if (old) disks.medium.set(old)
    expect(await codeOf(copyAll(opened))).to.deep.equal(['record-rolled-back', 'a'])
    disks.medium.remove('notes', 'a')
    expect(await codeOf(copyAll(opened))).to.deep.equal(['record-missing', 'a'])
    // A refused copy holds nothing back.
    await write(opened, 'b', 'one')
  })

  it('waits for nobody who left: writers go on when a copy is given up', async () => {
    for (let n = 0; n < 200; n++) await write(opened, `n-${n}`, 'x')
    const copy = opened.repository.copy(op)
    await copy.next()
    await copy.return({ journal: opened.journal.committed, records: 0 })
    await write(opened, 'n-1', 'y')
  })

  it('is refused while a change has an outcome that nobody knows', async () => {
    await opened.journal.close()
    const real = await disks.store()
    let broken = false
    const store: Store = new Proxy(real, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...given: unknown[]) =>
          broken && (name === 'put' || (name === 'get' && given[1] === 'stuck'))
            ? Promise.reject(new Error('gone'))
            : (member.apply(target, given) as unknown)
      },
    })
    opened = await disks.boot(store)
    await write(opened, 'a', 'x')
    broken = true
    expect(await write(opened, 'stuck', 'x').catch(() => 'failed')).to.equal('failed')
    broken = false
    expect((await codeOf(copyAll(opened)))[0]).to.equal('storage-unavailable')
  })
})

describe('a copy of the journal', () => {
  it('ends before the first byte that is not as it was written', async () => {
    const disks = new Disks()
    await disks.create()
    const opened = await disks.boot()
    for (let n = 0; n < 20; n++) await write(opened, `n-${n}`, 'x')
    const point = opened.journal.committed
    await opened.journal.close()
    const [name = '', content = Buffer.alloc(0)] = [...disks.files.contents][0] ?? []
    for (let at = 0; at < content.length; at += 97) {
      const changed = Buffer.from(content)
      changed[at] = (changed[at] ?? 0) ^ 1
      disks.files.contents.set(name, changed)
      expect((await codeOf(drain(copyJournal(disks.files, point))))[0], `byte ${at}`).to.equal('journal-corrupt')
    }
    disks.files.contents.set(name, content.subarray(0, content.length - 1))
    expect((await codeOf(drain(copyJournal(disks.files, point))))[0]).to.equal('journal-corrupt')
  })
})

/** Lets others run while it reads, as a disk does. */
function slowToRead(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'get') {
        return async (...given: Parameters<Store['get']>) => {
          const found = await target.get(...given)
          for (let turn = 0; turn < 3; turn++) await new Promise(resolve => void setImmediate(resolve))
          return found
        }
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

async function* each(records: readonly StoredRecord[]): AsyncGenerator<StoredRecord> {
  yield* records
}

const bodyOf = (disks: Disks, id: string): Uint8Array => disks.medium.get('notes', id)?.body ?? new Uint8Array()

async function drain(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of parts) continue
}

async function codeOf(work: Promise<unknown>): Promise<unknown[]> {
  return work.then(
    () => ['none'],
    (error: { code?: string; facts?: { id?: string } }) => [error.code, ...(error.facts?.id ? [error.facts.id] : [])],
  )
}
