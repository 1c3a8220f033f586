import { readFile } from 'node:fs/promises'
import pkcs11js from 'pkcs11js'
import type { Config } from '../src/config.ts'
import type { Cryptoki, Handle } from '../src/cryptoki.ts'
import { findToken } from '../src/find-token.ts'

/**
 * A second user of the module in this process, past the plugin: it sees what the plugin has made and can do what a hostile
 * or clumsy neighbour could. With no provider open it initialises, logs in and finalises by itself.
 */
export async function withRawToken<T>(
  config: Config,
  fn: (lib: Cryptoki, session: Handle) => T | Promise<T>,
  beside: 'an open provider' | 'nothing' = 'nothing',
): Promise<T> {
  Object.assign(process.env, config.environment)
  const lib = new pkcs11js.PKCS11()
  lib.load(config.module)
  try {
    if (beside === 'nothing') lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
    const { slot } = findToken(lib, config.token)
    const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
    if (beside === 'nothing' && 'file' in config.pin) {
      lib.C_Login(session, pkcs11js.CKU_USER, (await readFile(config.pin.file, 'utf8')).trim())
    }
    const result = await fn(lib, session)
    if (beside === 'an open provider') lib.C_CloseSession(session)
    return result
  } finally {
    if (beside === 'nothing') lib.C_Finalize()
    lib.close()
  }
}
