import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { issueApiKey, readApiKey } from '../../src/identity/api-key-secret.ts'

const checkKey = randomBytes(32)

describe('an API key', () => {
  it('is read back as issued', () => {
    const { id, secret, presented } = issueApiKey(checkKey)
    expect(presented).to.match(/^wrd_[0-9a-f]{16}_[\w-]{54}$/)
    const read = readApiKey(checkKey, presented)
    expect(read?.id).to.equal(id)
    expect(read?.secret.equals(secret)).to.equal(true)
  })

  it('is refused with any character changed, before any hash is run', () => {
    const { presented } = issueApiKey(checkKey)
    for (let at = 0; at < presented.length; at++) {
      for (const character of ['A', 'b', '0', '_', ' ']) {
        if (presented[at] === character) continue
        const changed = presented.slice(0, at) + character + presented.slice(at + 1)
        expect(readApiKey(checkKey, changed), changed).to.equal(undefined)
      }
    }
  })

  it('of another appliance is refused', () => {
    expect(readApiKey(randomBytes(32), issueApiKey(checkKey).presented)).to.equal(undefined)
  })

  it('is refused in any other shape', () => {
    const { presented } = issueApiKey(checkKey)
    for (const other of [
      '',
      'wrd__',
      presented.toUpperCase(),
      `${presented} `,
      ` ${presented}`,
      `${presented}\n`,
      presented.slice(0, -1),
    ]) {
      expect(readApiKey(checkKey, other), JSON.stringify(other)).to.equal(undefined)
    }
  })
})
