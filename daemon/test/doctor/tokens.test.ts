import type { TokenRecord } from '@warder/contract'
import { expect } from 'chai'
import { judgeTokens } from '../../src/doctor/tokens.ts'

const token = (serial: string, labels: readonly string[]): TokenRecord => ({
  module: { path: '/m.so', sha256: '00', library: 'test' },
  token: { label: serial, serial, manufacturer: '', model: '', firmware: '' },
  keys: labels.map(label => ({
    label,
    id: '00',
    algorithm: 'AES-256',
    attributes: {},
    checkValue: null,
    checkedBy: '',
    wrappedTo: [],
  })),
})

describe('doctor: tokens that share root keys', () => {
  it('are well when all have the same, whatever store keys each has', () => {
    const finding = judgeTokens({
      ...token('A', ['warder/kek/1', 'warder/store/1']),
      peers: [token('B', ['warder/kek/1', 'warder/store/2'])],
    })
    expect([finding.status, finding.found]).to.deep.equal(['ok', '2 tokens have the same 1 root keys'])
  })

  it('are told of when one lacks what another has, with the command that mends it', () => {
    const finding = judgeTokens({ ...token('A', ['warder/kek/1']), peers: [token('B', ['warder/store/1'])] })
    expect(finding.status).to.equal('warning')
    expect(finding.found).to.equal('root keys differ: B lacks warder/kek/1')
    expect(finding.fix).to.equal('warder root-key rotate')
  })
})
