import type { StoredRecord } from '@warder/contract'
import { expect } from 'chai'
import { OpenedRecords } from '../../src/records/opened-records.ts'

const record: StoredRecord = {
  collection: 'keys',
  id: 'default/one',
  revision: 3,
  attributes: { space: 'default', tags: ['a', 'b'] },
  body: Buffer.alloc(1000, 7),
}
const digest = 'ab'.repeat(32)

describe('records that were opened', () => {
  it('are known again when every column is the same', () => {
    const opened = new OpenedRecords()
    opened.set(record, digest, { name: 'one' })
    const again = { ...record, attributes: structuredClone(record.attributes), body: Buffer.from(record.body) }
    expect(opened.get(again, digest)?.value).to.deep.equal({ name: 'one' })
  })

  it('are not known when any column differs', () => {
    const opened = new OpenedRecords()
    opened.set(record, digest, { name: 'one' })
    expect(opened.get(record, 'cd'.repeat(32))).to.equal(undefined)
    const others: readonly Partial<StoredRecord>[] = [
      { collection: 'spaces' },
      { id: 'default/two' },
      { revision: 4 },
      { attributes: { space: 'root', tags: ['a', 'b'] } },
      { attributes: { space: 'default', tags: ['b', 'a'] } },
      { attributes: {} },
    ]
    for (const other of others) expect(opened.get({ ...record, ...other }, digest)).to.equal(undefined)
  })

  it('cannot be told apart by running names together', () => {
    const opened = new OpenedRecords()
    opened.set({ ...record, collection: 'a', id: 'b/c' }, digest, {})
    expect(opened.get({ ...record, collection: 'a/b', id: 'c' }, digest)).to.equal(undefined)
    opened.saw('a/b', 'c', 5)
    expect(opened.recent('a', 'b/c', 5)).to.equal(undefined)
    opened.saw('a', 'b/c', 5)
    expect(opened.recent('a/b', 'c', 5)).to.equal(undefined)
    expect(opened.recent('a', 'b/c', 5)?.value).to.deep.equal({})
  })

  it('cannot be changed by one reader for the others', () => {
    const opened = new OpenedRecords()
    const value = { name: 'one', versions: [{ number: 1 }] }
    opened.set(record, digest, value)
    expect(() => Object.assign(value, { name: 'two' })).to.throw(TypeError)
    expect(() => Object.assign(value.versions[0] ?? {}, { number: 2 })).to.throw(TypeError)
    expect(() => value.versions.push({ number: 2 })).to.throw(TypeError)
  })

  it('are forgotten, the longest unused first, before they fill the memory', () => {
    const opened = new OpenedRecords()
    const nth = (n: number): StoredRecord => ({ ...record, id: `key-${n}`, body: Buffer.alloc(65_536) })
    for (let n = 0; n < 200; n++) opened.set(nth(n), digest, {})
    const kept = Array.from({ length: 200 }, (_, n) => n).filter(n => opened.get(nth(n), digest) !== undefined)
    expect(kept).to.have.length(64)
    expect(kept[0]).to.equal(136)
  })
})
