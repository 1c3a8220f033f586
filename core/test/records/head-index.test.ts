import { expect } from 'chai'
import fc from 'fast-check'
import { HeadIndex } from '../../src/records/head-index.ts'

const name = fc.stringMatching(/^[ab]\/[a-d]{1,3}$/)

describe('the head index', () => {
  it('lists what exists, in order, whatever was written and deleted in between', () => {
    const step = fc.record({ id: name, deleted: fc.boolean(), list: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        const index = new HeadIndex()
        const model = new Set<string>()
        for (const [n, { id, deleted, list }] of steps.entries()) {
          index.set('keys', id, { revision: n + 1, digest: deleted ? null : 'd' })
          if (deleted) model.delete(id)
          else model.add(id)
          if (list) index.ids('keys', { prefix: '', limit })
        }
        for (const prefix of ['', 'a/', 'b/', 'c/']) {
          const expected = [...model].filter(id => id.startsWith(prefix)).toSorted()
          const found: string[] = []
          for (;;) {
            const page = index.ids('keys', { prefix, after: found.at(-1), limit })
            found.push(...page)
            if (page.length < limit) break
          }
          expect(found).to.deep.equal(expected)
        }
      }),
    )
  })

  it('tells a deleted record from one that never was', () => {
    const index = new HeadIndex()
    index.set('keys', 'a', { revision: 2, digest: null })
    expect(index.has('keys', 'a')).to.equal(false)
    expect(index.get('keys', 'a')).to.deep.equal({ revision: 2, digest: null })
    expect(index.get('keys', 'b')).to.equal(undefined)
  })
})
