import { expect } from 'chai'
import fc from 'fast-check'
import { decodeHeader, decodeRecord, encodeRecord, headerBytes } from '../src/record-file.ts'
import { record } from './store.ts'

describe('a record file', () => {
  const sample = record('ü', { revision: 7, attributes: { state: 'active', tags: ['x'] }, body: Buffer.from('body\n') })

  it('says in its first lines what it is', () => {
    const text = Buffer.from(encodeRecord(sample).bytes).toString('utf8')
    expect(text).to.match(
      /^warder-record 1 [0-9a-f]{64} \d+\n\{"collection":"things","id":"ü","revision":7,.*\}\nbody\n$/,
    )
  })

  it('gives back any record', () => {
    const attribute = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.integer(),
      fc.array(fc.string({ unit: 'grapheme' })),
    )
    const any = fc.record({
      id: fc.string({ unit: 'grapheme', minLength: 1 }),
      attributes: fc.dictionary(fc.string({ unit: 'grapheme' }), attribute, { noNullPrototype: true }),
      body: fc.uint8Array({ maxLength: 300 }),
    })
    fc.assert(
      fc.property(any, parts => {
        const wanted = record(parts.id, parts)
        const { header, bytes } = encodeRecord(wanted)
        const found = decodeRecord(bytes)
        expect(found.record).to.deep.equal(wanted)
        expect(found.header).to.deep.equal(header)
        expect(headerBytes(bytes)).to.equal(header.bodyStart)
        expect(decodeHeader(bytes.subarray(0, header.bodyStart), bytes.length)).to.deep.equal(header)
      }),
    )
  })

  it('is refused when it is cut short anywhere, or longer than it was', () => {
    const { bytes } = encodeRecord(sample)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRecord(bytes.subarray(0, length)), `cut to ${length}`).to.throw()
    }
    expect(() => decodeRecord(Buffer.concat([bytes, Buffer.of(0)]))).to.throw('another length')
  })

  it('is refused when any one of its bits is another', () => {
    const { bytes } = encodeRecord(sample)
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = new Uint8Array(bytes)
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7))
      expect(() => decodeRecord(changed), `bit ${at}`).to.throw()
    }
  })

  it('is refused when it is something else', () => {
    for (const text of ['', '\n', 'notes', '{}', 'warder-record 2 ', '\0'.repeat(4096)]) {
      expect(() => decodeRecord(Buffer.from(text))).to.throw('not a record')
      expect(headerBytes(Buffer.from(text))).to.equal(undefined)
    }
  })
})
