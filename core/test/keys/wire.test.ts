import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  additionalData,
  decodeCiphertext,
  decodeWrapped,
  encodeCiphertext,
  encodeWrapped,
} from '../../src/keys/wire.ts'

const version = fc.integer({ min: 1, max: 0xffff_ffff })
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
const same = (a: Uint8Array, b: Uint8Array): void => void expect(Buffer.compare(a, b)).to.equal(0)

describe('wire forms', () => {
  it('of ciphertexts come back as they were', () => {
    fc.assert(
      fc.property(version, bytes(12, 12), bytes(16, 200), (number, iv, ciphertext) => {
        const decoded = decodeCiphertext(encodeCiphertext(number, { iv, ciphertext }))
        expect(decoded.version).to.equal(number)
        same(decoded.iv, iv)
        same(decoded.ciphertext, ciphertext)
      }),
    )
  })

  it('of wrapped bytes come back as they were', () => {
    fc.assert(
      fc.property(version, bytes(16, 200), (number, blob) => {
        const decoded = decodeWrapped(encodeWrapped(number, blob))
        expect(decoded.version).to.equal(number)
        same(decoded.blob, blob)
      }),
    )
  })

  it('that Warder never made have one answer', () => {
    const answers = new Set<string>()
    const garbage = [
      new Uint8Array(0),
      Buffer.from([1]),
      Buffer.alloc(40),
      Buffer.from([2, 0, 0, 0, 1, ...Buffer.alloc(40)]),
      Buffer.from([1, 0, 0, 0, 1, 9]),
    ]
    for (const each of garbage) {
      try {
        decodeCiphertext(each)
      } catch (error) {
        if (!WarderError.is(error)) throw error
        answers.add(JSON.stringify([error.code, error.message, error.facts]))
      }
    }
    expect([...answers]).to.deep.equal(['["decryption-failed","This could not be opened with this key.",{}]'])
  })

  it('of additional data never confuse where one part ends and the next begins', () => {
    const part = fc.string({ maxLength: 6, unit: fc.constantFrom('a', 'b', '\0') })
    const parts = fc.tuple(part, part, version, bytes(0, 6))
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b))
        expect(Buffer.compare(additionalData(...a), additionalData(...b))).not.to.equal(0)
      }),
    )
  })

  it('are what the documents say, byte by byte', () => {
    const aad = Buffer.from(additionalData('s', 'k', 2, Buffer.from('ctx'))).toString('hex')
    expect(aad).to.equal(['00000001', '73', '00000001', '6b', '00000004', '00000002', '00000003', '637478'].join(''))
    const sealed = encodeCiphertext(2, { iv: Buffer.alloc(12, 0xaa), ciphertext: Buffer.alloc(16, 0xbb) })
    expect(Buffer.from(sealed).toString('hex')).to.equal(`0100000002${'aa'.repeat(12)}${'bb'.repeat(16)}`)
  })
})
