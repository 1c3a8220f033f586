import { expect } from 'chai'
import fc from 'fast-check'
import { decodeBase64, encodeBase64 } from '../../src/api/base64.ts'

describe('base64', () => {
  it('takes either alphabet, padded or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const standard = encodeBase64(bytes)
        const url = Buffer.from(bytes).toString('base64url')
        for (const text of [standard, standard.replaceAll('=', ''), url, url.padEnd(standard.length, '=')]) {
          expect(decodeBase64(text)).to.deep.equal(bytes)
        }
      }),
    )
  })

  it('takes nothing that does not encode back to the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgw/+-_=z9 \n'.split('')), maxLength: 9 }), text => {
        const decoded = decodeBase64(text)
        if (decoded === undefined) return
        const standard = encodeBase64(decoded)
        const url = Buffer.from(decoded).toString('base64url')
        expect([standard, standard.replaceAll('=', ''), url, url.padEnd(standard.length, '=')]).to.include(text)
      }),
      { numRuns: 5000 },
    )
  })

  it('refuses all but zero in the bits left over', () => {
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_') {
      for (const text of [`A${last}`, `AA${last}`, `A${last}==`, `AA${last}=`]) {
        const bare = text.replaceAll('=', '')
        const exact =
          Buffer.from(text, 'base64')
            .toString(/[-_]/.test(last) ? 'base64url' : 'base64')
            .replaceAll('=', '') === bare
        expect(decodeBase64(text) !== undefined, text).to.equal(exact)
      }
    }
  })
})
