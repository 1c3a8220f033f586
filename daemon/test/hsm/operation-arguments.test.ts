import type { KeyRef } from '@warder/contract'
import { expect } from 'chai'
import {
  decryptRuns,
  encryptRuns,
  macRuns,
  parseDeriveArguments,
  parseSignAllArguments,
  parseUnwrapArguments,
  parseWrapArguments,
  signRuns,
} from '../../src/hsm/operation-arguments.ts'
import type { RunForm } from '../../src/hsm/runs.ts'

const ref: KeyRef = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ab'.repeat(16) }
const bytes = (length: number) => new Uint8Array(length)
const signAll = { ref, algorithm: 'ES256', inputs: [bytes(32), bytes(32)] }
const gcm = { algorithm: 'A256GCM', iv: bytes(12), ciphertext: bytes(16), aad: bytes(0) }

/** As they come in a run: what it shares beside the key, and what is this call's own. */
const inRun = (runs: RunForm<unknown>, common: unknown, ...values: unknown[]) => ({ runs, common, values })
const read = ({ runs, common, values }: ReturnType<typeof inRun>) => runs.args(ref, common, [1, 5000, ...values])

const acceptedInRuns: ReadonlyArray<readonly [ReturnType<typeof inRun>, object]> = [
  [inRun(signRuns, 'ES256', bytes(32)), { ref, algorithm: 'ES256', input: bytes(32) }],
  [inRun(signRuns, 'EdDSA', bytes(0)), { ref, algorithm: 'EdDSA', input: bytes(0) }],
  [inRun(encryptRuns, null, bytes(0), bytes(0)), { ref, plaintext: bytes(0), aad: bytes(0) }],
  [
    inRun(encryptRuns, null, bytes(65_536), bytes(65_536 + 300)),
    { ref, plaintext: bytes(65_536), aad: bytes(65_536 + 300) },
  ],
  [inRun(decryptRuns, 'A256GCM', bytes(16), bytes(12), bytes(0)), { ref, input: gcm }],
  [
    inRun(decryptRuns, 'A256GCM', bytes(65_552), bytes(12), bytes(0)),
    { ref, input: { ...gcm, ciphertext: bytes(65_552) } },
  ],
  [
    inRun(decryptRuns, 'RSA-OAEP-256', bytes(256)),
    { ref, input: { algorithm: 'RSA-OAEP-256', ciphertext: bytes(256) } },
  ],
  [inRun(macRuns, null, bytes(0)), { ref, bytes: bytes(0) }],
  [inRun(macRuns, null, bytes(65_536)), { ref, bytes: bytes(65_536) }],
]

const refusedInRuns: ReadonlyArray<readonly [string, string, ReturnType<typeof inRun>]> = [
  ['nothing', 'args', inRun(signRuns, 'ES256')],
  ['more than there is a place for', 'args', inRun(signRuns, 'ES256', bytes(32), {})],
  ['an algorithm that a prototype has', 'algorithm', inRun(signRuns, 'constructor', bytes(32))],
  ['no algorithm', 'algorithm', inRun(signRuns, null, bytes(32))],
  ['a digest of the wrong length', 'input', inRun(signRuns, 'ES256', bytes(31))],
  ['an input that is text', 'input', inRun(signRuns, 'ES256', 'x'.repeat(32))],
  ['too much plaintext', 'plaintext', inRun(encryptRuns, null, bytes(65_537), bytes(0))],
  ['no additional data', 'args', inRun(encryptRuns, null, bytes(1))],
  ['an algorithm where none belongs', 'args', inRun(encryptRuns, 'A256GCM', bytes(1), bytes(0))],
  ['too much ciphertext', 'ciphertext', inRun(decryptRuns, 'A256GCM', bytes(80_000), bytes(12), bytes(0))],
  ['too long an IV', 'iv', inRun(decryptRuns, 'A256GCM', bytes(16), bytes(65), bytes(0))],
  ['an unknown cipher', 'algorithm', inRun(decryptRuns, 'ECB', bytes(1))],
  ['OAEP with an IV', 'args', inRun(decryptRuns, 'RSA-OAEP', bytes(16), bytes(12), bytes(0))],
  ['a cipher parameter', 'args', inRun(decryptRuns, 'A256GCM', bytes(16), bytes(12), bytes(0), 8)],
  ['too much to be MACed', 'bytes', inRun(macRuns, null, bytes(65_537))],
  ['something beside what is MACed', 'args', inRun(macRuns, 'HMAC', bytes(1))],
]

const accepted: ReadonlyArray<readonly [(value: unknown) => unknown, object]> = [
  [parseSignAllArguments, signAll],
  [parseSignAllArguments, { ...signAll, inputs: Array.from({ length: 16 }, () => bytes(32)) }],
  [parseWrapArguments, { ref, bytes: bytes(4096) }],
  [parseUnwrapArguments, { ref, bytes: bytes(0) }],
  [parseDeriveArguments, { ref, bytes: bytes(91) }],
]

const refused: ReadonlyArray<readonly [string, string, (value: unknown) => unknown, unknown]> = [
  ['nothing', 'args', parseSignAllArguments, undefined],
  ['an attribute beside the arguments', 'args', parseSignAllArguments, { ...signAll, template: {} }],
  ['no inputs', 'inputs', parseSignAllArguments, { ...signAll, inputs: [] }],
  ['too many inputs', 'inputs', parseSignAllArguments, { ...signAll, inputs: Array(17).fill(bytes(32)) }],
  ['one digest of the wrong length', 'inputs', parseSignAllArguments, { ...signAll, inputs: [bytes(32), bytes(31)] }],
  ['inputs that are no list', 'inputs', parseSignAllArguments, { ...signAll, inputs: { length: 1, 0: bytes(32) } }],
  ['nothing to wrap', 'bytes', parseWrapArguments, { ref, bytes: bytes(0) }],
  ['too much to wrap', 'bytes', parseWrapArguments, { ref, bytes: bytes(4097) }],
  ['no peer', 'bytes', parseDeriveArguments, { ref }],
]

describe('the arguments of operations', () => {
  it('pass as they are', () => {
    for (const [parse, args] of accepted) expect(parse(args)).to.deep.equal(args)
  })

  it('pass as they are in a run, beside the key it is for', () => {
    for (const [asked, args] of acceptedInRuns) expect(read(asked)).to.deep.equal(args)
  })

  it('come out of a run as they were put in', () => {
    for (const [{ runs, common, values }, args] of acceptedInRuns) {
      expect([runs.common(args), runs.values(args)]).to.deep.equal([common, values])
    }
  })

  for (const [what, field, asked] of refusedInRuns) {
    it(`are refused in a run: ${what}`, () => {
      expect(() => read(asked))
        .to.throw()
        .with.deep.include({ code: 'malformed-request', facts: { field } })
    })
  }

  for (const [what, field, parse, args] of refused) {
    it(`are refused: ${what}`, () => {
      expect(() => parse(args))
        .to.throw()
        .with.deep.include({ code: 'malformed-request', facts: { field } })
    })
  }
})
