import { expect } from 'chai'
import { findingsIn } from '../../../src/doctor/checks/token.ts'

describe('doctor: what warder-hsm doctor says', () => {
  it('is taken over under its own name', () => {
    const findings = [
      { check: 'token', status: 'ok', found: 'warder' },
      { check: 'login', status: 'problem', found: 'refused', why: 'w', fix: 'f' },
    ]
    expect(findingsIn({ stdout: JSON.stringify({ findings }), stderr: '' }, '/c')).to.deep.equal([
      { check: 'token', status: 'ok', found: 'warder' },
      { check: 'token: login', status: 'problem', found: 'refused', why: 'w', fix: 'f' },
    ])
  })

  it('is not called well when it says nothing that is understood', () => {
    for (const stdout of ['', '{}', '{"findings":[{"check":"x","status":"fine","found":"x"}]}']) {
      const [finding] = findingsIn({ stdout, stderr: 'warder-hsm: no PIN [config-invalid]\nmore' }, '/c')
      expect(finding).to.include({ status: 'not-checked', fix: 'warder-hsm doctor --config /c' })
      expect(finding?.found).to.include('no PIN [config-invalid]').and.not.include('more')
    }
  })
})
