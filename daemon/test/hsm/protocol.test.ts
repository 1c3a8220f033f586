import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { fromWire, parseAnswer, parseRequest, toWire } from '../../src/hsm/protocol.ts'

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
      expect(parseAnswer(wrong)).to.equal(undefined)
    }
    expect(parseAnswer({ id: 1, hsmMicros: 3 })).to.equal(undefined)
    expect(parseAnswer({ id: 1, ok: null, hsmMicros: 3 })).to.deep.equal({ id: 1, ok: null, hsmMicros: 3 })
  })
})
