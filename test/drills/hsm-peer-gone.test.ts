import type { SealedRef } from '@warder/contract'
import { expect } from 'chai'
import { labelsOn, openOne, sharedTokens } from '../../plugins/hsm-pkcs11/test/several-tokens.ts'
import { op, refusal, removeDirectory, sealedKey, temporaryDirectory } from '../../plugins/hsm-pkcs11/test/support.ts'
import { TokenServer } from '../support/token-server.ts'

describe('a peer whose token is in a process of its own', function () {
  this.timeout(60_000)

  it('gets no root key, and none is made, when it cannot take one or is gone; the token beside it goes on', async () => {
    const directory = await temporaryDirectory()
    const { configs } = await sharedTokens(directory)
    const before = await labelsOn(configs[0])
    const server = await TokenServer.start(configs[1], directory)
    const provider = await openOne([configs[0], server.config], 0)
    try {
      // p11-kit's server passes no key wrap with padding
      const unable = await refusal(provider.createRootKey(op))
      expect([unable.code, unable.facts['ckr']]).to.deep.equal(['unsupported-mechanism', 'CKR_MECHANISM_INVALID'])
      await server.kill()
      const error = await refusal(provider.createRootKey(op))
      expect([error.code, error.facts['token']]).to.deep.equal(['hsm-unavailable', 'two'])
      expect(((await sealedKey(provider)).ref as SealedRef).rootKey).to.equal(1)
      expect((await provider.health(op)).ok).to.equal(true)
    } finally {
      await provider[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    }
    for (const config of configs) expect(await labelsOn(config)).to.deep.equal(before)
    await removeDirectory(directory)
  })
})
