import { randomBytes } from 'node:crypto'
import type { KeyProvider } from '@warder/contract'
import { expect } from 'chai'
import { plugin } from '../src/plugin.ts'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { host, op, refusal, removeDirectory, temporaryDirectory, thrownBy } from './support.ts'

describe('the store secret', () => {
  let directory: string
  let provider: KeyProvider

  before(async () => {
    directory = await temporaryDirectory()
    // one session, so that whatever a failure left active would be met by the next call
    const config = { ...(await createSoftHsmToken(directory)), sessions: { max: 1 } }
    provider = await plugin.open(config, host, op)
  })
  after(async () => {
    await provider?.[Symbol.asyncDispose]()
    await removeDirectory(directory)
  })

  it('is opened as it was sealed, and sealed anew each time', async () => {
    const secret = new Uint8Array(randomBytes(32))
    const [one, two] = [await provider.sealStoreSecret(secret, op), await provider.sealStoreSecret(secret, op)]
    expect(one).not.to.deep.equal(two)
    expect(Buffer.from(one.subarray(0, 5)).toString('hex')).to.equal('0100000001')
    expect(one).to.have.length(1 + 4 + 12 + 32 + 16)
    expect(await provider.openStoreSecret(one, op)).to.deep.equal(secret)
    expect(await provider.openStoreSecret(two, op)).to.deep.equal(secret)
  })

  it('is 32 bytes; anything else is a TypeError', async () => {
    for (const length of [0, 31, 33]) {
      expect(await thrownBy(provider.sealStoreSecret(new Uint8Array(length), op))).to.be.instanceOf(TypeError)
    }
  })

  it('lesson: an error leaves a session’s operation active, so that session is not used again', async () => {
    const secret = new Uint8Array(randomBytes(32))
    const sealed = await provider.sealStoreSecret(secret, op)
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      const error = await refusal(provider.openStoreSecret(changed, op))
      expect([error.code, error.facts]).to.deep.equal(['hsm-failed', { reason: 'store-secret-rejected' }])
      expect(await provider.openStoreSecret(sealed, op)).to.deep.equal(secret)
    }
    for (const length of [0, 4, 5, 17, 64]) {
      const error = await refusal(provider.openStoreSecret(sealed.slice(0, length), op))
      expect(error.facts).to.deep.equal({ reason: 'store-secret-rejected' })
    }
  })
})
