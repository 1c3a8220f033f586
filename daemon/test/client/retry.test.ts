import { expect } from 'chai'
import fc from 'fast-check'
import { RemoteProblem, Unreachable } from '../../src/client/errors.ts'
import { retryDelay } from '../../src/client/retry.ts'

const problem = (retryable: boolean, retryAfterMs?: number): RemoteProblem =>
  new RemoteProblem({ status: 503, title: '', detail: '', retryable, retryAfterMs })
const unreachable = (reason: 'down' | 'expired' | 'untrusted' | 'lost' | 'late'): Unreachable =>
  new Unreachable(reason, '')

describe('asking again', () => {
  it('never happens for what is not safe', () => {
    const failures = fc.constantFrom(problem(true), unreachable('lost'), new Error('other'))
    fc.assert(
      fc.property(
        fc.constantFrom('POST', 'PATCH', 'DELETE', 'PUT'),
        fc.integer({ min: 1, max: 9 }),
        failures,
        (...asked) => retryDelay(...asked) === undefined,
      ),
    )
  })

  it('happens twice at most, later each time', () => {
    const waits = [1, 2, 3].map(attempt => retryDelay('GET', attempt, unreachable('lost')))
    expect(waits).to.deep.equal([200, 400, undefined])
  })

  it('is for a lost connection, and not for one that cannot be', () => {
    for (const reason of ['down', 'expired', 'untrusted', 'late'] as const)
      expect(retryDelay('GET', 1, unreachable(reason))).to.equal(undefined)
  })

  it('waits as long as the appliance says, unless that is long', () => {
    expect(retryDelay('GET', 1, problem(true, 2000))).to.equal(2000)
    expect(retryDelay('GET', 1, problem(true))).to.equal(200)
    expect(retryDelay('GET', 1, problem(true, 10_000))).to.equal(undefined)
    expect(retryDelay('GET', 1, problem(false, 1000))).to.equal(undefined)
  })
})
