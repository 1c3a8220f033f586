import { expect } from 'chai'
import { KnownTokens } from '../../src/hsm/known-tokens.ts'

const [a, b, c] = [1, 2, 4]

describe('what is known of tokens', () => {
  const three = () => {
    const tokens = new KnownTokens(3)
    tokens.learn(0, { serial: 'A', rootKeys: [1, 2] })
    tokens.learn(1, { serial: 'B', rootKeys: [1] })
    return tokens
  }

  it('lets any token do what none is needed for', () => {
    expect(three().able(undefined)).to.equal(a | b | c)
  })

  it('finds the token of a resident key, or takes it to be one that has not told yet', () => {
    expect(three().able({ of: 'token', serial: 'B' })).to.equal(b)
    expect(three().able({ of: 'token', serial: 'C' })).to.equal(c)
    expect(three().able({ of: 'token', serial: undefined })).to.equal(a)
  })

  it('knows that none has it once all have told', () => {
    const tokens = three()
    tokens.learn(2, { serial: 'C', rootKeys: [] })
    expect(tokens.able({ of: 'token', serial: 'D' })).to.equal(0)
  })

  it('finds the tokens that have a root key, and those that may have it where none is known to', () => {
    expect(three().able({ of: 'rootKey', rootKey: 1 })).to.equal(a | b)
    expect(three().able({ of: 'rootKey', rootKey: 2 })).to.equal(a)
    expect(three().able({ of: 'rootKey', rootKey: 3 })).to.equal(c)
    const told = three()
    told.learn(2, { serial: 'C', rootKeys: [] })
    expect(told.able({ of: 'rootKey', rootKey: 3 })).to.equal(a | b | c)
    expect(told.knows({ of: 'rootKey', rootKey: 3 })).to.equal(false)
    expect(told.knows({ of: 'rootKey', rootKey: 2 })).to.equal(true)
  })

  it('makes new keys where the newest root key is, and never on a token that has yet to join', () => {
    expect(three().able({ of: 'newest' })).to.equal(a)
    const tokens = three()
    tokens.learn(1, { serial: 'B', rootKeys: [1, 2] })
    tokens.learn(2, { serial: 'C', rootKeys: [] })
    expect(tokens.able({ of: 'newest' })).to.equal(a | b)
    expect(tokens.able({ of: 'newest', rootKey: 1 })).to.equal(a | b)
  })

  it('rewraps where both root keys are', () => {
    const tokens = three()
    tokens.learn(1, { serial: 'B', rootKeys: [2] })
    expect(tokens.able({ of: 'newest', rootKey: 1 })).to.equal(a)
  })

  it('says whether it has learned anything', () => {
    const tokens = three()
    expect(tokens.learn(0, { serial: 'A', rootKeys: [1, 2] })).to.equal(false)
    expect(tokens.learn(0, { serial: 'A', rootKeys: [1, 2, 3] })).to.equal(true)
    expect(tokens.learn(0, { serial: 'X', rootKeys: [1, 2, 3] })).to.equal(true)
  })
})
