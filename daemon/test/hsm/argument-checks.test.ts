import { expect } from 'chai'
import { membersOf, parseRef, parseSealedRef } from '../../src/hsm/argument-checks.ts'

const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ab'.repeat(16) }
const sealed = {
  custody: 'sealed',
  algorithm: 'AES-256',
  usage: 'wrap',
  exportable: false,
  rootKey: 1,
  blob: new Uint8Array(40),
}

describe('key references', () => {
  it('pass as they are, and no more of them', () => {
    for (const ref of [resident, { ...resident, identity: new Uint8Array(91) }, sealed])
      expect(parseRef(ref)).to.deep.equal(ref)
    expect(parseSealedRef(sealed)).to.deep.equal(sealed)
  })

  for (const [what, ref] of Object.entries({
    nothing: undefined,
    bytes: new Uint8Array(3),
    'a label': { ...resident, label: 'warder/kek/1' },
    'an unknown key algorithm': { ...resident, algorithm: 'P-224' },
    'an algorithm that a prototype has': { ...resident, algorithm: 'constructor' },
    'no usage': { ...resident, usage: undefined },
    'an unknown usage': { ...resident, usage: 'unwrap' },
    'an id in capitals': { ...resident, id: 'AB'.repeat(16) },
    'an id that is too long': { ...resident, id: 'ab'.repeat(17) },
    'a resident key with a blob': { ...resident, blob: new Uint8Array(3) },
    'a resident key that is exportable': { ...resident, exportable: true },
    'an identity that is none': { ...resident, identity: new Uint8Array(0) },
    'a huge identity': { ...resident, identity: new Uint8Array(2049) },
    'a sealed key with an identity': { ...sealed, identity: new Uint8Array(91) },
    'a sealed key with an id': { ...sealed, id: resident.id },
    'a sealed key that does not say whether it is exportable': { ...sealed, exportable: undefined },
    'root key zero': { ...sealed, rootKey: 0 },
    'an empty blob': { ...sealed, blob: new Uint8Array(0) },
    'a huge blob': { ...sealed, blob: new Uint8Array(20_000) },
    'a custody of its own': { ...resident, custody: 'root' },
  })) {
    it(`are refused: ${what}`, () => {
      expect(() => parseRef(ref))
        .to.throw()
        .with.deep.include({ code: 'malformed-request', facts: { field: 'ref' } })
    })
  }

  it('to a resident key are refused where a sealed one is due, by the name of the argument', () => {
    expect(() => parseSealedRef(resident, 'under'))
      .to.throw()
      .with.deep.property('facts', { field: 'under' })
  })
})

describe('members of a map', () => {
  it('are those that were named', () => {
    expect(membersOf({ a: 1 }, 'args', ['a', 'b']).b).to.equal(undefined)
    for (const wrong of [undefined, null, 1, 'x', { c: 1 }, { a: 1, ['__proto__x']: 1 }]) {
      expect(() => membersOf(wrong, 'args', ['a', 'b']))
        .to.throw()
        .with.property('code', 'malformed-request')
    }
  })
})
