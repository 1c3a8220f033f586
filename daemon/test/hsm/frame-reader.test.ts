import { expect } from 'chai'
import fc from 'fast-check'
import { FrameReader, maxFrameBytes } from '../../src/hsm/frame-reader.ts'

function stream(payloads: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    payloads.flatMap(payload => {
      const header = Buffer.alloc(4)
      header.writeUInt32BE(payload.length)
      return [header, Buffer.from(payload)]
    }),
  )
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map(place => place % (bytes.length + 1))), bytes.length].toSorted((a, b) => a - b)
  // copies, as a reader owns its chunks and wipes them
  return ends.map((end, i) => Buffer.from(bytes.subarray(ends[i - 1] ?? 0, end)))
}

describe('frame reader', () => {
  it('gives the same frames however the stream is split', () => {
    const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 })
    fc.assert(
      fc.property(payloads, fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
        const reader = new FrameReader()
        const got: string[] = []
        for (const chunk of cut(stream(sent), places)) {
          expect(reader.push(chunk, payload => got.push(payload.toString('hex')))).to.equal(true)
        }
        expect(got).to.deep.equal(sent.map(payload => Buffer.from(payload).toString('hex')))
      }),
      { numRuns: 500 },
    )
  })

  it('takes a frame of the largest size byte by byte in linear time', () => {
    const reader = new FrameReader()
    const bytes = stream([new Uint8Array(maxFrameBytes).fill(7)])
    let frames = 0
    const began = performance.now()
    for (let i = 0; i < bytes.length; i++) reader.push(bytes.subarray(i, i + 1), () => frames++)
    expect(frames).to.equal(1)
    // copying what came before with every chunk would move 500 GB
    expect(performance.now() - began).to.be.below(5000)
  })

  it('refuses a length of zero or beyond the limit, before any of it has come', () => {
    for (const length of [0, maxFrameBytes + 1, 0xffffffff]) {
      const header = Buffer.alloc(4)
      header.writeUInt32BE(length)
      expect(new FrameReader().push(header, () => {})).to.equal(false)
    }
  })

  it('leaves nothing of a frame in the chunks it was copied from', () => {
    const reader = new FrameReader()
    const bytes = stream([new Uint8Array(32).fill(0xaa)])
    const [first, second] = [Buffer.from(bytes.subarray(0, 10)), Buffer.from(bytes.subarray(10))]
    let frame: Buffer | undefined
    reader.push(first, payload => (frame = payload))
    reader.push(second, payload => (frame = payload))
    expect(frame).to.deep.equal(Buffer.alloc(32, 0xaa))
    expect([...first.subarray(4), ...second].every(byte => byte === 0)).to.equal(true)
  })
})
