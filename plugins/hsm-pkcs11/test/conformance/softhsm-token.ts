import { join } from 'node:path'
import { ConfigSchema, type Config } from '../../src/config.ts'
import { writePinFile } from '../../src/pin-file.ts'
import { initToken } from '../../src/provision.ts'
import { createSoftHsmToken } from '../../src/softhsm.ts'

/** A token with a PIN and nothing on it, below a directory of its own. */
export async function createEmptySoftHsmToken(directory: string, backupRecipient?: string): Promise<Config> {
  const config = ConfigSchema.parse({
    ...(await createSoftHsmToken(directory)),
    // beside the one that is always made with root keys
    token: { label: 'empty' },
    stateDir: join(directory, 'empty-state'),
    backupRecipient,
  })
  const { module, environment, pin } = config
  const soPinFile = join(directory, 'empty-so-pin')
  await writePinFile(soPinFile)
  if (!('file' in pin)) throw new Error('createSoftHsmToken makes a PIN file')
  await initToken({ module, environment, label: 'empty', soPinFile, pinFile: pin.file })
  return config
}
