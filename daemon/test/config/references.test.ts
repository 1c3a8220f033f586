import { expect } from 'chai'
import { referencesIn } from '../../src/config/references.ts'

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
