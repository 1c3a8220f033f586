import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { decode, encode } from '../../src/hsm/codec.ts'
import { commands } from '../../src/hsm/commands.ts'
import { fromWire, parseAnswers, wireAnswer } from '../../src/hsm/protocol.ts'
import { mutate, randomFrom } from './support/mutate.ts'

describe('hsm answers', () => {
  it('are copied out of the buffer they came in, and wiped there', () => {
    const view = Buffer.alloc(32, 7)
    expect(commands.openStoreSecret.parseAnswer(view)).to.deep.equal(new Uint8Array(32).fill(7))
    expect(view).to.deep.equal(Buffer.alloc(32))
  })

  it('of ten thousand mutations, from a seed, each is an answer or a typed refusal', () => {
    const random = randomFrom(20240503)
    const spki = Buffer.alloc(91, 7)
    const answers = [
      {
        id: 1,
        ok: {
          ref: { custody: 'sealed', algorithm: 'P-256', usage: 'sign', exportable: false, rootKey: 1, blob: spki },
          spki,
        },
        hsmMicros: 3,
      },
      { id: 1, ok: { ok: true, detail: 'well' }, hsmMicros: 3 },
      { id: 1, ok: Buffer.alloc(64, 7), hsmMicros: 3 },
      { id: 1, ok: [Buffer.alloc(64, 7), Buffer.alloc(64, 8)], hsmMicros: 3 },
      { id: 1, ok: { iv: Buffer.alloc(12, 7), ciphertext: Buffer.alloc(40, 7) }, hsmMicros: 3 },
      { id: 1, error: { code: 'hsm-failed' as const, message: 'no', facts: { a: ['b'], n: 1 } }, hsmMicros: 3 },
    ].map(answer => Buffer.concat([Buffer.alloc(4), encode([wireAnswer(answer)])]))
    let read = 0
    for (let n = 0; n < 10_000; n++) {
      const [answer] = parseAnswers(decode(mutate(answers[n % answers.length]!, random).subarray(4))) ?? []
      if (answer === undefined) continue
      read++
      if ('error' in answer) {
        expect(WarderError.is(fromWire(answer.error))).to.equal(true)
        continue
      }
      for (const command of Object.values(commands)) {
        try {
          command.parseAnswer(answer.ok)
        } catch (error) {
          expect(WarderError.is(error, 'hsm-failed')).to.equal(true)
        }
      }
    }
    expect(read).to.be.above(1000)
  })
})
