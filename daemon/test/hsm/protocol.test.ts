import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import {
  fromWire,
  maxCallsPerConnection,
  parseAnswers,
  parseRequest,
  parseRun,
  toWire,
  wireAnswer,
} from '../../src/hsm/protocol.ts'
import { maxRun } from '../../src/hsm/runs.ts'

describe('hsm protocol', () => {
  it('carries code, message and facts of a WarderError, and no cause', () => {
    const cause = new Error('the PIN was 1234')
    const wire = toWire(new WarderError('hsm-failed', 'It failed', { facts: { mechanism: 'CKM_ECDSA' }, cause }))
    expect(wire).to.deep.equal({ code: 'hsm-failed', message: 'It failed', facts: { mechanism: 'CKM_ECDSA' } })
    const back = fromWire(wire)
    expect(WarderError.is(back, 'hsm-failed')).to.equal(true)
    expect([back.message, back.facts, back.cause]).to.deep.equal(['It failed', { mechanism: 'CKM_ECDSA' }, undefined])
  })

  it('says nothing of any other error', () => {
    for (const error of [new Error('the PIN was 1234'), new TypeError('1234'), '1234', undefined]) {
      expect(toWire(error).code).to.equal('hsm-failed')
      expect(JSON.stringify(toWire(error))).not.to.include('1234')
    }
  })

  it('takes an error of no known form for a failure', () => {
    for (const error of [1, null, {}, { code: 'made-up', message: '', facts: {} }, { code: 'hsm-failed', facts: [] }]) {
      expect(fromWire(error).code).to.equal('hsm-failed')
    }
  })

  it('takes only messages of its own form', () => {
    const request = { id: 1, op: 'sign', deadline: 5, args: {} }
    expect(parseRequest(request)).to.deep.equal(request)
    expect(parseRequest({ id: 1, cancel: true })).to.deep.equal({ id: 1, cancel: true })
    for (const wrong of [
      { id: -1 },
      { id: 1.5 },
      { id: '1' },
      { id: 2 ** 32 },
      { deadline: -1 },
      { deadline: 1e9 },
      { op: 1 },
    ]) {
      expect(parseRequest({ ...request, ...wrong })).to.equal(undefined)
    }
    for (const wrong of [null, 1, 'x', [], Buffer.alloc(3), {}]) {
      expect(parseRequest(wrong)).to.equal(undefined)
      expect(parseAnswers(wrong)).to.equal(undefined)
    }
  })

  it('carries the answers of one turn in one message', () => {
    const answers = [
      { id: 1, ok: null, hsmMicros: 3 },
      { id: 2, error: toWire(undefined), hsmMicros: 4 },
    ]
    expect(parseAnswers(answers.map(wireAnswer))).to.deep.equal(answers)
    for (const wrong of [
      [1, 3],
      [1, 3, null, {}, 0],
      [1, 3, 'both', {}],
      [-1, 3, null],
      [1, -3, null],
      { 0: 1 },
      null,
    ]) {
      expect(parseAnswers([wireAnswer(answers[0]!), wrong])).to.equal(undefined)
    }
    const tooMany = Array.from({ length: maxCallsPerConnection + 1 }, (_, id) => [id, 3, null])
    expect(parseAnswers(tooMany.slice(1))).to.have.length(maxCallsPerConnection)
    expect(parseAnswers(tooMany)).to.equal(undefined)
  })

  it('takes nothing for a run that is none', () => {
    const item = [1, 5000, Buffer.alloc(32)]
    const run = ['sign', {}, 'ES256', [item]]
    expect(parseRun(run)).to.deep.equal({ op: 'sign', ref: {}, common: 'ES256', items: [item] })
    for (const items of [
      undefined,
      [],
      [null],
      [[1]],
      [[-1, 5000]],
      [[1, 1e9]],
      [['1', 1]],
      Array.from({ length: maxRun + 1 }, () => item),
    ]) {
      expect(parseRun(['sign', {}, 'ES256', items])).to.equal(undefined)
    }
    expect(parseRun([1, {}, 'ES256', [item]])).to.equal(undefined)
    expect(parseRun([...run, 0])).to.equal(undefined)
  })

  // a daemon and a host of two versions: each message of the form before this one is no message of it
  it('takes nothing of the form that went before it', () => {
    expect(parseAnswers({ id: 1, ok: null, hsmMicros: 3 })).to.equal(undefined)
    expect(parseRequest(['sign', {}, 'ES256', [[1, 5000, Buffer.alloc(32)]]])).to.equal(undefined)
  })
})
