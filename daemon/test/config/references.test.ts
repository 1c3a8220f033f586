import { expect } from 'chai'
import { operatorSecretsIn, referencesIn, withOperatorFile } from '../../src/config/references.ts'

describe('referencesIn', () => {
  it('finds the secrets that a plugin’s configuration refers to, and not its other files', () => {
    const config = {
      file: '/var/lib/warder/store.sqlite',
      pin: { credential: 'hsm-pin' },
      tokens: [{ pin: { file: '/etc/pin' } }, { pin: { file: '/etc/pin', mode: 'x' } }],
    }
    expect(referencesIn(config)).to.deep.equal([
      { path: ['pin'], kind: 'credential', value: 'hsm-pin' },
      { path: ['tokens', 0, 'pin'], kind: 'file', value: '/etc/pin' },
    ])
    expect(referencesIn({ file: '/var/lib/warder/store.sqlite' })).to.deep.equal([])
  })
})

describe('operatorSecretsIn', () => {
  const config = {
    operator: true,
    pin: { operator: true },
    tokens: [{ pin: { operator: true } }, { pin: { operator: true, mode: 'x' } }, { pin: { operator: 'true' } }],
  }

  it('finds what a plugin’s configuration wants of the operator', () => {
    expect(operatorSecretsIn(config)).to.deep.equal([['pin'], ['tokens', 0, 'pin']])
    expect(operatorSecretsIn({ operator: true })).to.deep.equal([])
  })

  it('is what withOperatorFile puts a file in place of, and nothing else', () => {
    const lent = withOperatorFile(config, '/lent')
    expect(lent).to.deep.equal({
      ...config,
      pin: { file: '/lent' },
      tokens: [{ pin: { file: '/lent' } }, ...config.tokens.slice(1)],
    })
    expect(operatorSecretsIn(lent)).to.deep.equal([])
  })
})
