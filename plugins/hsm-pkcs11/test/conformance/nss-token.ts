import { randomBytes } from 'node:crypto'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import { ConfigSchema, type Config } from '../../src/config.ts'
import { loadModule } from '../../src/load-module.ts'
import { createRootKeys } from '../../src/provision.ts'

const label = 'NSS Certificate DB'

interface NssToken {
  readonly config: Config
  readonly remove: () => Promise<void>
}

/** Makes an NSS database with a PIN and root keys, in a directory of its own. */
export async function createNssToken(backupRecipient?: string): Promise<NssToken> {
  const token = await createEmptyNssToken(backupRecipient)
  await createRootKeys(token.config)
  return token
}

/** The same without root keys. */
export async function createEmptyNssToken(backupRecipient?: string): Promise<NssToken> {
  const directory = await mkdtemp(join(tmpdir(), 'warder-nss-'))
  const pin = randomBytes(12).toString('hex')
  await writeFile(join(directory, 'pin'), pin, { mode: 0o600 })
  const config = ConfigSchema.parse({
    module: await softokn(),
    initString: `configdir='sql:${directory}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=`,
    token: { label },
    pin: { file: join(directory, 'pin') },
    stateDir: join(directory, 'state'),
    // the iterations of PBKDF2 by which a PIN guards each private key of a database: most of what a call would take
    environment: { NSS_MAX_MP_PBE_ITERATION_COUNT: '1' },
    backupRecipient,
  })
  setPin(config, pin)
  return { config, remove: () => rm(directory, { recursive: true }) }
}

// a new database has no PIN, and an empty one for its security officer
function setPin(config: Config, pin: string): void {
  const { lib, close } = loadModule(config)
  try {
    const slot = lib.C_GetSlotList(true).find(each => lib.C_GetTokenInfo(each).label.trim() === label)
    if (slot === undefined) throw new Error('NSS shows no database')
    const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
    lib.C_Login(session, pkcs11js.CKU_SO, '')
    lib.C_InitPIN(session, pin)
    lib.C_Logout(session)
  } finally {
    close()
  }
}

/** Where Debian puts it. */
async function softokn(): Promise<string> {
  const libraries = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
  for (const file of [join(libraries, 'libsoftokn3.so'), join(libraries, 'nss', 'libsoftokn3.so')]) {
    try {
      await access(file)
      return file
    } catch {
      // in the other place
    }
  }
  throw new Error('NSS softokn is not there: it comes with the package libnss3')
}
