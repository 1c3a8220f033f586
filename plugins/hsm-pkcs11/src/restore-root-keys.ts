import { WarderError, type WrappedRootKey } from '@warder/contract'
import type { Config } from './config.ts'
import { Copies } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import { login } from './login.ts'
import { checkValueIn, nameOf, RootKeyMaker } from './make-root-keys.ts'
import { readBackup, withBackup, type OpenedRootKey } from './open-backup.ts'
import { withModule } from './provision.ts'
import { findRootKeys, type RootKeys } from './root-keys.ts'
import { closeSession, readWrite } from './session-pool.ts'
import { wrappingPurposes, type RootPurpose } from './templates.ts'

/**
 * Puts the root keys of a backup on the token, each under its own number, with their copies, then makes the store key if
 * there is none. Called again it goes on where it was broken off.
 * @throws WarderError `already-initialised` when the token has another key of such a name, or others that the backup does not
 *   know; `decryption-failed` when one does not open with this key. Nothing was made then.
 */
export async function restoreRootKeys(
  config: Pick<Config, 'module' | 'environment' | 'initString' | 'token' | 'pin' | 'stateDir'>,
  { keys, recipientKey }: { readonly keys: readonly WrappedRootKey[]; readonly recipientKey: Uint8Array },
): Promise<readonly string[]> {
  const backup = readBackup(keys, recipientKey)
  return withModule(config, async ({ lib }) => {
    const token = findToken(lib, config.token)
    const session = lib.C_OpenSession(token.slot, readWrite)
    try {
      await login(lib, session, token, config, () => new Date())
      const present = findRootKeys(lib, session, [...wrappingPurposes, 'store'])
      const maker = new RootKeyMaker(lib, new Copies(lib, config.stateDir), undefined)
      return await withBackup(lib, session, backup, recipientKey, async opened => {
        const absent = absentOf(lib, session, opened, present)
        await maker.establish(session, absent)
        const done = absent.map(key => `restored the root key warder/${nameOf(key)}`)
        if (present.store.numbers.length > 0) return done
        await maker.makeOnToken(session, ['store'], 1)
        return [...done, 'made the store key warder/store/1']
      })
    } finally {
      closeSession(lib, session)
    }
  })
}

/** Those the token lacks, having seen that nothing on it is in their way. */
function absentOf(
  lib: Cryptoki,
  session: Handle,
  opened: readonly OpenedRootKey[],
  present: Readonly<Record<RootPurpose, RootKeys>>,
): readonly OpenedRootKey[] {
  const absent = opened.filter(({ purpose, number, copy }) => {
    const there = present[purpose].get(number)
    if (there === undefined) return true
    if (checkValueIn(lib, session, there) === copy.checkValue) return false
    throw inTheWay('the token has another root key of this name', nameOf({ purpose, number }))
  })
  if (absent.length === 0) return []
  // keys of another appliance: its newest would go on wrapping what this backup knows nothing of
  const known = new Set(opened.map(nameOf))
  const foreign = wrappingPurposes
    .flatMap(purpose => present[purpose].numbers.map(number => nameOf({ purpose, number })))
    .find(name => !known.has(name))
  if (foreign !== undefined) throw inTheWay('the token has root keys that are not of this backup', foreign)
  return absent
}

function inTheWay(message: string, name: string): WarderError {
  const key = `warder/${name}`
  return new WarderError('already-initialised', `${message}: ${key}`, { facts: { key } })
}
