import { expect } from 'chai'
import { parseSignArguments } from '../../src/hsm/arguments.ts'

const resident = { custody: 'resident', algorithm: 'P-256', id: 'ab'.repeat(16) }
const sealed = { custody: 'sealed', algorithm: 'P-256', rootKey: 1, blob: new Uint8Array(40) }
const good = { ref: resident, algorithm: 'ES256', input: new Uint8Array(32) }

describe('sign arguments', () => {
  it('lets through exactly what it knows', () => {
    expect(parseSignArguments(good)).to.deep.equal(good)
    expect(parseSignArguments({ ...good, ref: sealed })).to.deep.equal({ ...good, ref: sealed })
    expect(parseSignArguments({ ...good, algorithm: 'EdDSA', input: new Uint8Array(0) }).input).to.have.length(0)
  })

  for (const [what, args] of Object.entries({
    nothing: undefined,
    'an attribute beside the arguments': { ...good, template: { CKA_EXTRACTABLE: true } },
    'a label in the reference': { ...good, ref: { ...resident, label: 'warder/kek/1' } },
    'an algorithm that a prototype has': { ...good, algorithm: 'constructor' },
    'an unknown key algorithm': { ...good, ref: { ...resident, algorithm: 'P-224' } },
    'a digest of the wrong length': { ...good, input: new Uint8Array(31) },
    'an input that is text': { ...good, input: 'x'.repeat(32) },
    'an id in capitals': { ...good, ref: { ...resident, id: 'AB'.repeat(16) } },
    'an id that is too long': { ...good, ref: { ...resident, id: 'ab'.repeat(17) } },
    'a resident reference with a blob': { ...good, ref: { ...resident, blob: new Uint8Array(3) } },
    'a sealed reference with an id': { ...good, ref: { ...sealed, id: resident.id } },
    'root key zero': { ...good, ref: { ...sealed, rootKey: 0 } },
    'an empty blob': { ...good, ref: { ...sealed, blob: new Uint8Array(0) } },
    'a huge blob': { ...good, ref: { ...sealed, blob: new Uint8Array(20_000) } },
    'a custody of its own': { ...good, ref: { ...resident, custody: 'root' } },
  })) {
    it(`refuses ${what}`, () => {
      expect(() => parseSignArguments(args))
        .to.throw()
        .with.property('code', 'malformed-request')
    })
  }
})
