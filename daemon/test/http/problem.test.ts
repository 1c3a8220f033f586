import { expect } from 'chai'
import { WarderError, warderCodes } from '@warder/contract'
import { asWarderError, problemOf, problems } from '../../src/http/problem.ts'

describe('problems', () => {
  it('has a spec for every code, and no other', () => {
    expect(Object.keys(problems).toSorted()).to.deep.equal([...warderCodes].toSorted())
  })

  it('asks to try again only where that can help', () => {
    for (const [code, spec] of Object.entries(problems)) {
      expect(spec.status, code).to.be.within(400, 599)
      if (spec.retryAfter !== undefined) expect(spec, code).to.include({ status: 503, retryable: true })
    }
  })

  it('shows the facts of the caller’s own mistakes, and lets none of them replace a member', () => {
    const error = new WarderError('malformed-request', 'name: too long', {
      facts: { field: 'name', status: 200, code: 'fine', type: 'x', detail: 'y', request_id: 'z' },
    })
    expect(problemOf(error, 'r1')).to.deep.equal({
      type: 'urn:warder:problem:malformed-request',
      title: 'The request is malformed',
      status: 400,
      detail: 'name: too long',
      code: 'malformed-request',
      request_id: 'r1',
      retryable: false,
      field: 'name',
    })
  })

  it('says nothing of what went wrong inside', () => {
    const error = new WarderError('storage-unavailable', 'ENOSPC at /var/lib/x', { facts: { path: '/var/lib/x' } })
    expect(JSON.stringify(problemOf(error, 'r1'))).to.not.match(/var|ENOSPC/)
    expect(JSON.stringify(problemOf(asWarderError(new Error('canary')), 'r1'))).to.not.include('canary')
  })

  it('makes anything that is not a WarderError internal', () => {
    for (const thrown of [new TypeError('x'), 'text', undefined, null, 7, { code: 'forbidden' }]) {
      expect(asWarderError(thrown).code).to.equal('internal')
    }
  })
})
