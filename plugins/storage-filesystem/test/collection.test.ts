import { expect } from 'chai'
import fc from 'fast-check'
import { Collection, type Entry } from '../src/collection.ts'
import { compareUtf8 } from '../src/utf8-order.ts'

const entry: Entry = { revision: 1, attributes: {}, digest: '', bytes: 0 }
const id = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\ue000', '\u{1f511}', 'é'), minLength: 1, maxLength: 4 }),
  fc.string({ unit: 'grapheme', minLength: 1 }),
)

describe('the order of ids', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(id, id, (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right))
        expect(Math.sign(compareUtf8(left, right))).to.equal(bytes)
      }),
    )
  })
})

describe('a collection', () => {
  it('holds what was set and not deleted, in order, from any place', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), id), { maxLength: 60 })
    fc.assert(
      fc.property(fc.array(id), steps, id, (first, changes, from) => {
        const collection = new Collection(new Map(first.map(each => [each, entry])))
        const model = new Set(first)
        for (const [set, each] of changes) {
          if (set) collection.set(each, entry)
          else collection.delete(each)
          if (set) model.add(each)
          else model.delete(each)
          expect(collection.get(each)).to.equal(set ? entry : undefined)
        }
        const ordered = [...model].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
        expect([...collection.after('')].map(([each]) => each)).to.deep.equal(ordered)
        const later = ordered.filter(each => compareUtf8(each, from) > 0)
        expect([...collection.after(from)].map(([each]) => each)).to.deep.equal(later)
      }),
    )
  })
})
