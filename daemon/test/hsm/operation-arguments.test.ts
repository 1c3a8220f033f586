import { expect } from 'chai'
import {
  parseDecryptArguments,
  parseDeriveArguments,
  parseEncryptArguments,
  parseMacArguments,
  parseSignAllArguments,
  parseSignArguments,
  parseUnwrapArguments,
  parseWrapArguments,
} from '../../src/hsm/operation-arguments.ts'

const ref = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ab'.repeat(16) }
const bytes = (length: number) => new Uint8Array(length)
const sign = { ref, algorithm: 'ES256', input: bytes(32) }
const signAll = { ref, algorithm: 'ES256', inputs: [bytes(32), bytes(32)] }
const gcm = { algorithm: 'A256GCM', iv: bytes(12), ciphertext: bytes(16), aad: bytes(0) }

const accepted: ReadonlyArray<readonly [(value: unknown) => unknown, object]> = [
  [parseSignArguments, sign],
  [parseSignArguments, { ...sign, algorithm: 'EdDSA', input: bytes(0) }],
  [parseSignAllArguments, signAll],
  [parseSignAllArguments, { ...signAll, inputs: Array.from({ length: 16 }, () => bytes(32)) }],
  [parseEncryptArguments, { ref, plaintext: bytes(0), aad: bytes(0) }],
  [parseEncryptArguments, { ref, plaintext: bytes(65_536), aad: bytes(65_536 + 300) }],
  [parseDecryptArguments, { ref, input: gcm }],
  [parseDecryptArguments, { ref, input: { ...gcm, ciphertext: bytes(65_552) } }],
  [parseDecryptArguments, { ref, input: { algorithm: 'RSA-OAEP-256', ciphertext: bytes(256) } }],
  [parseMacArguments, { ref, bytes: bytes(0) }],
  [parseMacArguments, { ref, bytes: bytes(65_536) }],
  [parseWrapArguments, { ref, bytes: bytes(4096) }],
  [parseUnwrapArguments, { ref, bytes: bytes(0) }],
  [parseDeriveArguments, { ref, bytes: bytes(91) }],
]

const refused: ReadonlyArray<readonly [string, string, (value: unknown) => unknown, unknown]> = [
  ['nothing', 'args', parseSignArguments, undefined],
  ['an attribute beside the arguments', 'args', parseSignArguments, { ...sign, template: {} }],
  ['an algorithm that a prototype has', 'algorithm', parseSignArguments, { ...sign, algorithm: 'constructor' }],
  ['a digest of the wrong length', 'input', parseSignArguments, { ...sign, input: bytes(31) }],
  ['an input that is text', 'input', parseSignArguments, { ...sign, input: 'x'.repeat(32) }],
  ['no inputs', 'inputs', parseSignAllArguments, { ...signAll, inputs: [] }],
  ['too many inputs', 'inputs', parseSignAllArguments, { ...signAll, inputs: Array(17).fill(bytes(32)) }],
  ['one digest of the wrong length', 'inputs', parseSignAllArguments, { ...signAll, inputs: [bytes(32), bytes(31)] }],
  ['inputs that are no list', 'inputs', parseSignAllArguments, { ...signAll, inputs: { length: 1, 0: bytes(32) } }],
  ['too much plaintext', 'plaintext', parseEncryptArguments, { ref, plaintext: bytes(65_537), aad: bytes(0) }],
  ['no additional data', 'aad', parseEncryptArguments, { ref, plaintext: bytes(1) }],
  ['too much ciphertext', 'ciphertext', parseDecryptArguments, { ref, input: { ...gcm, ciphertext: bytes(80_000) } }],
  ['an unknown cipher', 'algorithm', parseDecryptArguments, { ref, input: { algorithm: 'ECB', ciphertext: bytes(1) } }],
  ['OAEP with an IV', 'input', parseDecryptArguments, { ref, input: { ...gcm, algorithm: 'RSA-OAEP' } }],
  ['a cipher parameter', 'input', parseDecryptArguments, { ref, input: { ...gcm, tagBits: 8 } }],
  ['too much to be MACed', 'bytes', parseMacArguments, { ref, bytes: bytes(65_537) }],
  ['nothing to wrap', 'bytes', parseWrapArguments, { ref, bytes: bytes(0) }],
  ['too much to wrap', 'bytes', parseWrapArguments, { ref, bytes: bytes(4097) }],
  ['no peer', 'bytes', parseDeriveArguments, { ref }],
]

describe('the arguments of operations', () => {
  it('pass as they are', () => {
    for (const [parse, args] of accepted) expect(parse(args)).to.deep.equal(args)
  })

  for (const [what, field, parse, args] of refused) {
    it(`are refused: ${what}`, () => {
      expect(() => parse(args))
        .to.throw()
        .with.deep.include({ code: 'malformed-request', facts: { field } })
    })
  }
})
