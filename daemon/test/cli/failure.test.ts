import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { CliError, EndsWith, failureOf } from '../../src/cli/failure.ts'
import { ApprovalPending, RemoteProblem, Unreachable } from '../../src/client/errors.ts'

const remote = (code: 'key-not-found' | undefined): RemoteProblem =>
  new RemoteProblem({ code, status: 404, title: 't', detail: 'Not there.', requestId: 'r1', retryable: false })

describe('what a failure says and how it ends', () => {
  it('1 for what is wrong here', () => {
    expect(failureOf(new CliError('No.', 'do it'))).to.deep.equal({ lines: ['No.', 'fix: do it'], exitCode: 1 })
    expect(failureOf(new WarderError('config-invalid', 'No.'))).to.deep.equal({
      lines: ['No. [config-invalid]'],
      exitCode: 1,
    })
    expect(failureOf(new TypeError('bug'))).to.deep.equal({ lines: ['TypeError: bug'], exitCode: 1 })
  })

  it('2 for an appliance that refused, or did not answer', () => {
    expect(failureOf(remote('key-not-found')).lines).to.deep.equal([
      'Not there. [key-not-found]',
      'fix: `warder key list` shows the keys of the space; --space names another',
      'request: r1',
    ])
    expect(failureOf(remote(undefined))).to.deep.equal({ lines: ['Not there.', 'request: r1'], exitCode: 2 })
    for (const reason of ['down', 'expired', 'untrusted', 'lost', 'late'] as const) {
      const { lines, exitCode } = failureOf(new Unreachable(reason, 'No.'))
      expect({ first: lines[0], exitCode, fix: lines[1]?.startsWith('fix: ') }).to.deep.equal({
        first: 'No.',
        exitCode: 2,
        fix: true,
      })
    }
  })

  it('3 for an act that waits for approval', () => {
    expect(failureOf(new ApprovalPending('/v1/approvals/7', 'r1'))).to.deep.equal({
      lines: ['This waits for approval.', 'approval: /v1/approvals/7', 'request: r1'],
      exitCode: 3,
    })
  })

  it('what was stated, where a command has exit codes of its own', () => {
    expect(failureOf(new EndsWith(1, remote('key-not-found')))).to.deep.equal({
      ...failureOf(remote('key-not-found')),
      exitCode: 1,
    })
  })
})
