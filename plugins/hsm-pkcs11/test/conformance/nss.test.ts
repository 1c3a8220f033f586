import { hsmConformance } from '@warder/testkit'
import { plugin } from '../../src/plugin.ts'
import { removeDirectory, temporaryDirectory } from '../support.ts'
import { createEmptyNssToken, createNssToken } from './nss-token.ts'
import { spkiFile } from '../recipient-key.ts'

/** With the recipient's key in a file that goes when the token does. */
async function besideRecipient<T extends { remove(): Promise<void> }>(
  recipient: Uint8Array,
  create: (file: string) => Promise<T>,
): Promise<T> {
  const directory = await temporaryDirectory()
  const token = await create(await spkiFile(directory, recipient))
  const remove = async (): Promise<void> => {
    await token.remove()
    await removeDirectory(directory)
  }
  return { ...token, remove }
}

const backup = {
  placeFor: (recipient: Uint8Array) => besideRecipient(recipient, createNssToken),
  emptyPlace: async (recipient: Uint8Array) => ({
    ...(await besideRecipient(recipient, createEmptyNssToken)),
    files: { credentialsDir: '' },
  }),
}

describe('NSS softokn conforms:', () => {
  for (const { name, timeout, run } of hsmConformance({ plugin, place: () => createNssToken(), backup })) {
    it(name, run).timeout(timeout)
  }
})
