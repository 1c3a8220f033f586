import { expect } from 'chai'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { wellFormed } from '../../src/hsm/well-formed.ts'

const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true })

const plain = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.string(),
    fc.string({ minLength: 200, maxLength: 400 }),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 20 }),
  ),
})).value

describe('well-formed', () => {
  it('accepts what the encoder makes, and nothing less or more of it', () => {
    fc.assert(
      fc.property(plain, fc.nat(), (value, at) => {
        const bytes = Buffer.from(packr.pack(value))
        expect(wellFormed(bytes)).to.equal(true)
        expect(wellFormed(bytes.subarray(0, at % bytes.length))).to.equal(false)
        expect(wellFormed(Buffer.concat([bytes, Buffer.of(0xc0)]))).to.equal(false)
      }),
    )
  })

  it('accepts only what the decoder then reads to its end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        if (wellFormed(bytes)) packr.unpack(bytes)
      }),
      { numRuns: 20_000 },
    )
  })

  for (const [what, bytes] of Object.entries({
    nothing: [],
    'an unused token': [0xc1],
    'an extension': [0xd4, 0x00, 0x00],
    'a record definition': [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
    'an error object': [0xc7, 0x01, 0x65, 0xc0],
    'an array of four thousand million': [0xdd, 0xff, 0xff, 0xff, 0xff],
    'a map of four thousand million': [0xdf, 0xff, 0xff, 0xff, 0xff],
    'a string longer than the frame': [0xdb, 0x00, 0x10, 0x00, 0x00, 0x61],
    'a map for a key': [0x82, 0x80, 0x00, 0x00, 0x00],
    'a number for a second key': [0x82, 0xa1, 0x61, 0x00, 0x01, 0x00],
    'arrays nested nine deep': [...Array.from({ length: 9 }, () => 0x91), 0xc0],
  })) {
    it(`refuses ${what}`, () => {
      expect(wellFormed(Uint8Array.from(bytes))).to.equal(false)
    })
  }

  it('does not recurse, however deep the nesting', () => {
    expect(wellFormed(new Uint8Array(1024 * 1024).fill(0x91))).to.equal(false)
  })
})
