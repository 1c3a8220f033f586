import { readFileSync } from 'node:fs'
import type { HsmPlugin } from '@warder/contract'
import { type Config, plugin as pkcs11 } from '@warder/hsm-pkcs11'
import { withRawToken } from '../../../plugins/hsm-pkcs11/test/raw-token.ts'

/** What the neighbour does when the process gets SIGUSR2, as the file says then. */
export type Clumsiness = 'logs out' | 'closes all sessions'

export interface NeighbourConfig {
  readonly token: Config
  readonly file: string
}

/**
 * TEST ONLY: the PKCS#11 plugin in a process where somebody else uses the module too, past the plugin. Login and sessions are
 * the process's, so what such a one does is done to all.
 */
export const plugin: HsmPlugin<NeighbourConfig> = {
  kind: 'hsm',
  name: 'clumsy-neighbour',
  version: pkcs11.version,
  contract: pkcs11.contract,
  supports: pkcs11.supports,
  config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: value as NeighbourConfig }) } },
  open: async ({ token, file }, host, op) => {
    const provider = await pkcs11.open(token, host, op)
    process.on('SIGUSR2', () => void act(token, readFileSync(file, 'utf8') as Clumsiness))
    return provider
  },
}

async function act(token: Config, clumsiness: Clumsiness): Promise<void> {
  try {
    await withRawToken(
      token,
      (lib, session) => {
        if (clumsiness === 'logs out') lib.C_Logout(session)
        else for (const slot of lib.C_GetSlotList(true)) lib.C_CloseAllSessions(slot)
      },
      'an open provider',
    )
  } catch {
    // its own session went with the others
  }
}
