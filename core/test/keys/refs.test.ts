import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import type { VersionRecord } from '../../src/keys/collection.ts'
import { refOf } from '../../src/keys/refs.ts'

const base64 = (bytes: Buffer): string => bytes.toString('base64')
const record: VersionRecord = {
  key: '0b6f3d5e-5d0c-4f3a-9a55-0c2f6a1f7d11',
  number: 1,
  algorithm: 'P-256',
  usage: 'sign',
  exportable: false,
  spki: base64(Buffer.alloc(91, 1)),
  private: { custody: 'sealed', rootKey: 3, blob: base64(Buffer.alloc(144, 2)) },
  createdAt: '2026-11-21T23:50:28.917Z',
}

describe('the reference to a version', () => {
  it('is made once for its record, and anew for another', () => {
    const ref = refOf(record)
    expect(refOf(record)).to.equal(ref)
    expect(refOf({ ...record })).to.deep.equal(ref)
    const { custody, algorithm, usage } = ref
    expect({ custody, algorithm, usage }).to.deep.equal({ custody: 'sealed', algorithm: 'P-256', usage: 'sign' })
  })

  it('keeps no more memory than its bytes take', () => {
    const ref = refOf({ ...record })
    if (ref.custody !== 'sealed') throw new Error('it is sealed')
    expect(ref.blob).to.deep.equal(new Uint8Array(144).fill(2))
    expect(ref.spki).to.deep.equal(new Uint8Array(91).fill(1))
    expect([ref.blob.buffer.byteLength, ref.spki?.buffer.byteLength]).to.deep.equal([144, 91])
  })

  it('is refused for a version that was destroyed, each time', () => {
    const destroyed: VersionRecord = { ...record, private: null }
    for (let n = 0; n < 2; n++)
      expect(() => refOf(destroyed))
        .to.throw(WarderError)
        .with.property('code', 'wrong-state')
  })
})
