import { expect } from 'chai'
import {
  parseBySchema,
  parseExportArguments,
  parseImportArguments,
  parseResidentArguments,
  specArguments,
} from '../../src/hsm/arguments.ts'

const id = 'ab'.repeat(16)
const under = {
  custody: 'sealed',
  algorithm: 'RSA-4096',
  usage: 'import',
  exportable: false,
  rootKey: 1,
  blob: new Uint8Array(40),
}
const spec = { algorithm: 'AES-256', usage: 'wrap', custody: 'sealed', exportable: true, id }
const request = { under, oaep: 'RSA-OAEP', wrapped: new Uint8Array(552), spec }
const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id }

describe('the arguments of imports, exports and keys to be made', () => {
  it('pass as they are', () => {
    expect(parseImportArguments({ request })).to.deep.equal({ request })
    const pair = { ...request, spec: { ...spec, algorithm: 'P-256', usage: 'sign' }, spki: new Uint8Array(91) }
    expect(parseImportArguments({ request: pair })).to.deep.equal({ request: pair })
    const exported = { ref: { ...under, usage: 'sign' }, recipient: new Uint8Array(294), oaep: 'RSA-OAEP-512' }
    expect(parseExportArguments(exported)).to.deep.equal(exported)
    expect(parseResidentArguments({ ref: resident })).to.deep.equal({ ref: resident })
    expect(parseBySchema(specArguments, { spec })).to.deep.equal({ spec })
  })

  for (const [what, field, change] of [
    ['a resident import key', 'under', { under: resident }],
    ['an unknown OAEP', 'oaep', { oaep: 'RSA1_5' }],
    ['too much of it', 'wrapped', { wrapped: new Uint8Array(20_000) }],
    ['a private key without its public half', 'spki', { spec: { ...spec, algorithm: 'P-256', usage: 'sign' } }],
    ['an attribute', 'request', { template: {} }],
    ['an id that is none', 'id', { spec: { ...spec, id: 'x' } }],
  ] as const) {
    it(`an import is refused: ${what}`, () => {
      expect(() => parseImportArguments({ request: { ...request, ...change } }))
        .to.throw()
        .with.deep.include({ code: 'malformed-request', facts: { field } })
    })
  }

  it('an exportable key is a sealed one of a tenant', () => {
    for (const change of [{ custody: 'resident' }, { algorithm: 'RSA-4096', usage: 'import' }]) {
      expect(() => parseBySchema(specArguments, { spec: { ...spec, ...change } }))
        .to.throw()
        .with.property('code', 'malformed-request')
    }
  })
})
