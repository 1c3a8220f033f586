import { hsmConformance } from '@warder/testkit'
import type { Config } from '../../src/config.ts'
import { plugin } from '../../src/plugin.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'
import { spkiFile } from '../recipient-key.ts'
import { removeDirectory, temporaryDirectory } from '../support.ts'
import { createEmptySoftHsmToken } from './softhsm-token.ts'

const placed = async (create: (directory: string) => Promise<Config>) => {
  const directory = await temporaryDirectory()
  return { config: await create(directory), remove: () => removeDirectory(directory) }
}

const backup = {
  placeFor: (recipient: Uint8Array) =>
    placed(async directory => createSoftHsmToken(directory, { backupRecipient: await spkiFile(directory, recipient) })),
  emptyPlace: async (recipient: Uint8Array) => ({
    ...(await placed(async directory => createEmptySoftHsmToken(directory, await spkiFile(directory, recipient)))),
    files: { credentialsDir: '' },
  }),
}

describe('SoftHSM2 conforms:', () => {
  const place = () => placed(directory => createSoftHsmToken(directory))
  for (const { name, timeout, run } of hsmConformance({ plugin, place, backup })) it(name, run).timeout(timeout)
})
