import { expect } from 'chai'
import { operatorPlacesOf, secretsOf, tokenConfigs, tokenFaults, tokenOfHost } from '../../src/config/tokens.ts'

const config = { module: '/m.so', label: 'one', pin: { file: '/pin' } }

describe('the tokens of a configuration', () => {
  it('are one, as it says, where none are listed', () => {
    expect(tokenConfigs({ config })).to.deep.equal([config])
  })

  it('are what they have in common with their own laid over it, member by member', () => {
    const tokens = [{ label: 'one' }, { label: 'two', pin: { credential: 'two' } }]
    expect(tokenConfigs({ config, tokens })).to.deep.equal([
      config,
      { module: '/m.so', label: 'two', pin: { credential: 'two' } },
    ])
  })

  it('have hosts by turns, so that each has as many', () => {
    expect([0, 1, 2, 3, 4, 5].map(host => tokenOfHost(host, 2))).to.deep.equal([0, 1, 0, 1, 0, 1])
  })

  it('have secrets that are named once, each at its place', () => {
    const tokens = [{ label: 'one' }, { label: 'two' }, { label: 'three', pin: { credential: 'three' } }]
    expect(secretsOf({ config, tokens })).to.deep.equal([
      { path: ['hsm', 'config', 'pin'], kind: 'file', value: '/pin' },
      { path: ['hsm', 'tokens', 2, 'pin'], kind: 'credential', value: 'three' },
    ])
    expect(
      operatorPlacesOf({ config: { pin: { operator: true } }, tokens: [{ label: '1' }, { label: '2' }] }),
    ).to.deep.equal([['hsm', 'config', 'pin']])
  })

  it('are found at fault when two are one, whatever their PINs say', () => {
    const tokens = [{}, { pin: { credential: 'other' } }]
    expect(tokenFaults({ config, tokens, hosts: 2 })).to.deep.equal([
      { path: ['tokens', 1], message: 'is the same token as hsm.tokens.0' },
    ])
    expect(tokenFaults({ config, tokens: [{}, { label: 'two' }], hosts: 2 })).to.deep.equal([])
  })

  it('are found at fault when an operator has the PIN of some of them only', () => {
    const tokens = [{ label: 'one' }, { label: 'two', pin: { operator: true } }]
    expect(tokenFaults({ config, tokens, hosts: 2 }).map(({ path }) => path)).to.deep.equal([['tokens', 1]])
  })

  it('are found at fault when their hosts are more than sixteen together', () => {
    const tokens = [{ label: 'one' }, { label: 'two' }, { label: 'three' }]
    expect(tokenFaults({ config, tokens, hosts: 5 })).to.deep.equal([])
    expect(tokenFaults({ config, tokens, hosts: 6 }).map(({ path }) => path)).to.deep.equal([['hosts']])
  })
})
