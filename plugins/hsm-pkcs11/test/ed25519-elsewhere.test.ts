import { createPublicKey, verify } from 'node:crypto'
import { createSoftHsmToken } from '../src/softhsm.ts'
import { expect } from 'chai'
import { newId, op, removeDirectory, temporaryDirectory, withProvider } from './support.ts'

describe('resident keys in another process', () => {
  it('an Ed25519 key signs after a restart: SoftHSM names its curve, not its object identifier, on the private half', async () => {
    const directory = await temporaryDirectory()
    try {
      const config = await createSoftHsmToken(directory)
      const made = await withProvider(config, provider =>
        provider.generate(
          { algorithm: 'Ed25519', usage: 'sign', custody: 'resident', exportable: false, id: newId() },
          op,
        ),
      )
      const message = Buffer.from('a message')
      const signature = await withProvider(config, provider => provider.sign(made.ref, 'EdDSA', message, op))
      const key = createPublicKey({ key: Buffer.from(made.spki ?? []), format: 'der', type: 'spki' })
      expect(verify(null, message, key, signature)).to.equal(true)
    } finally {
      await removeDirectory(directory)
    }
  })
})
