import { expect } from 'chai'
import fc from 'fast-check'
import { decode, encode, encodings } from '../../src/cli/encoding.ts'

describe('bytes of a file', () => {
  it('are read back as they were written, as base64 and as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 28, maxLength: 300 }), bytes =>
        (['base64', 'binary'] as const).every(encoding => decode(Buffer.from(encode(bytes, encoding))).equals(bytes)),
      ),
    )
  })

  it('are text in one line unless they are as they are', () => {
    const [base64, hex, binary] = encodings.map(encoding =>
      Buffer.from(encode(Buffer.from([1, 255]), encoding)).toString('latin1'),
    )
    expect({ base64, hex, binary }).to.deep.equal({ base64: 'Af8=\n', hex: '01ff\n', binary: '\u0001\u00ff' })
  })
})
