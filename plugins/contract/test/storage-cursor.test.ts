import { expect } from 'chai'
import fc from 'fast-check'
import { cursorAfter, idOfCursor, WarderError } from '@warder/contract'

/** The error a cursor is refused with. */
function refusalOf(cursor: string): unknown {
  try {
    return `taken as ${idOfCursor(cursor)}`
  } catch (error) {
    return error
  }
}

describe('a storage cursor', () => {
  it('gives back every id that a record can have', () => {
    const ids = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    fc.assert(fc.property(ids, id => idOfCursor(cursorAfter(id)) === id))
  })

  it('travels in a URL as it is', () => {
    const ids = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(fc.property(ids, id => /^[\w-]+$/.test(cursorAfter(id))))
  })

  it('is refused when no store made it', () => {
    const invalidUtf8 = Buffer.from([0xff, 0xfe]).toString('base64url')
    for (const cursor of ['', ' ', 'a', '?', 'YQ==', `${cursorAfter('a')}\n`, 'YR', invalidUtf8, '__proto__x']) {
      expect(WarderError.is(refusalOf(cursor), 'malformed-request'), JSON.stringify(cursor)).to.equal(true)
    }
  })

  it('is refused or is the cursor of its id, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), cursor => {
        const refusal = refusalOf(cursor)
        return WarderError.is(refusal, 'malformed-request') || cursorAfter(idOfCursor(cursor)) === cursor
      }),
    )
  })
})
