import { expect } from 'chai'
import { judgeHsm } from '../../../src/doctor/checks/hsm.ts'
import type { HostStatus, SupervisorStatus } from '../../../src/hsm/status.ts'

const host = (change: Partial<HostStatus> = {}): HostStatus => ({
  index: 0,
  pid: 1,
  state: 'ready',
  socket: '/r/hsm-0.sock',
  ...change,
})

describe('doctor: the HSM hosts', () => {
  const judged = (
    state: SupervisorStatus['state'],
    hosts: readonly HostStatus[],
    listening: readonly (readonly [number, string])[] = [[0, 'listening']],
  ) => judgeHsm({ state, seals: 0, hosts: [...hosts] }, new Map(listening))

  it('are well when each is ready and listens', () => {
    expect(judged('serving', [host()])[0]).to.include({ status: 'ok', found: 'host 0 is ready' })
  })

  it('that are sealed are a problem, with the command that ends it', () => {
    expect(judged('sealed', [host({ state: 'stopped' })])[0]).to.include({ status: 'problem', fix: 'warder unseal' })
    const error = { code: 'pin-refused' as const, message: 'The token refused the PIN.', facts: {} }
    const [finding] = judged('sealed', [host({ state: 'stopped', error })])
    expect(finding?.found).to.include('The token refused the PIN. [pin-refused]')
  })

  it('that do not run are a problem, also when nobody was left to say so', () => {
    expect(judgeHsm(undefined, new Map())[0]).to.include({ status: 'problem', fix: 'systemctl start warder-hsm' })
    expect(judged('stopped', [host({ state: 'stopped' })])[0]).to.include({ fix: 'systemctl start warder-hsm' })
    expect(judged('serving', [host()], [[0, 'ECONNREFUSED']])[0]).to.include({
      status: 'problem',
      fix: 'systemctl restart warder-hsm',
    })
  })

  it('that were refused name the refusal and what mends it', () => {
    const error = { code: 'pin-refused', message: 'the token answered CKR_PIN_INCORRECT', facts: {} } as const
    const [refused] = judged('refused', [host({ state: 'failed', error })], [])
    expect(refused).to.include({ status: 'problem' })
    expect(refused?.found).to.include('CKR_PIN_INCORRECT [pin-refused]')
    expect(refused?.fix).to.include('put the right PIN')
    const empty = { code: 'not-initialised', message: 'no root key', facts: {} } as const
    expect(judged('refused', [host({ state: 'failed', error: empty })], [])[0]?.fix).to.match(/^warder-hsm init/)
  })

  it('that die and come back are a warning; one that may not be asked is not called well', () => {
    expect(judged('serving', [host({ state: 'waiting' })], [])[0]).to.include({ status: 'warning' })
    expect(judged('starting', [host({ state: 'starting' })], [])[0]).to.include({ status: 'note' })
    expect(judged('serving', [host()], [[0, 'EACCES']])[0]).to.include({ status: 'not-checked' })
  })
})
