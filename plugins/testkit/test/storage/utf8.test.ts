import { expect } from 'chai'
import { assert, property, string } from 'fast-check'
import { compareUtf8 } from '../../src/storage/utf8.ts'

describe('compareUtf8', () => {
  it('orders as the bytes do', () => {
    const text = string({ unit: 'binary' })
    assert(
      property(text, text, (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right))
        expect(Math.sign(compareUtf8(left, right))).to.equal(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('puts a character above U+FFFF after all others, unlike JavaScript', () => {
    expect(compareUtf8('\u{1f511}', '\uffff')).to.be.greaterThan(0)
  })
})
