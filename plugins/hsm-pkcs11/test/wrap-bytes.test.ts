import { expect } from 'chai'
import fc from 'fast-check'
import { frame, unframe } from '../src/wrap-bytes.ts'

describe('the frame of wrapped bytes', () => {
  it('is length, bytes and zeros to a multiple of 8, and gives back what it was given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4096 }), bytes => {
        const framed = frame(bytes)
        expect(framed.length % 8).to.equal(0)
        expect(framed.length - bytes.length).to.be.within(4, 11)
        expect(unframe(framed)).to.deep.equal(bytes)
      }),
    )
  })

  it('is no frame with any bit of its length or padding changed, or a block more or less', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.nat({ max: 31 }),
        fc.nat({ max: 7 }),
        (bytes, bit, at) => {
          const framed = frame(bytes)
          const length = Buffer.from(framed)
          length.writeUInt32BE((length.readUInt32BE() ^ (1 << bit)) >>> 0)
          const stated = length.readUInt32BE()
          // a length that the same blocks and zeros would bear out is another frame, and a good one
          const another =
            framed.subarray(4 + stated).every(byte => byte === 0) &&
            frame(bytes.slice(0, stated)).length === framed.length
          if (!another) expect(unframe(length)).to.equal(undefined)
          const padding = framed.length - 4 - bytes.length
          if (padding > 0) {
            const padded = Buffer.from(framed)
            padded.writeUInt8(1, framed.length - 1 - (at % padding))
            expect(unframe(padded)).to.equal(undefined)
          }
          expect(unframe(Buffer.concat([framed, Buffer.alloc(8)]))).to.equal(undefined)
          expect(unframe(framed.subarray(0, -8))).to.equal(undefined)
        },
      ),
    )
  })

  it('is never of nothing, nor of more than 4,096 bytes', () => {
    for (const framed of [Buffer.alloc(0), Buffer.alloc(8), frame(Buffer.alloc(4097))]) {
      expect(unframe(framed)).to.equal(undefined)
    }
  })
})
