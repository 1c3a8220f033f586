import * as graphene from 'graphene-pk11'
import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { toWarderError } from './ckr.ts'
import type { Config } from './config.ts'
import { Copies, isCopyLabel } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { describe, findToken, listTokens } from './find-token.ts'
import { loadModule } from './load-module.ts'
import { login } from './login.ts'
import { RootKeyMaker } from './make-root-keys.ts'
import { findObjects, readAttributes } from './objects.ts'
import { pinText, withPin } from './read-pin.ts'
import { readRecipient } from './recipient.ts'
import { closeSession, readWrite } from './session-pool.ts'

export interface InitToken {
  readonly module: string
  readonly environment?: Readonly<Record<string, string>>
  readonly initString?: string | undefined
  /** 1 to 32 bytes of UTF-8. */
  readonly label: string
  readonly soPinFile: string
  readonly pinFile: string
}

/**
 * Initialises the first token that is not initialised yet, and sets the user's PIN. An initialised token is never
 * touched: initialising destroys what is on it.
 * @throws WarderError `already-initialised` when a token has this label; `hsm-unavailable` when none is free.
 */
export async function initToken(request: InitToken): Promise<{ readonly serial: string }> {
  // C_InitToken reads 32 bytes, padded with spaces and without an end (PKCS#11 v2.40 section 5.5)
  const padded = request.label + ' '.repeat(Math.max(0, 32 - Buffer.byteLength(request.label)))
  if (request.label === '' || Buffer.byteLength(padded) !== 32) throw new TypeError('a label is 1 to 32 bytes')
  return withPin({ file: request.soPinFile }, soPin =>
    withPin({ file: request.pinFile }, pin =>
      withModule({ ...request, environment: request.environment ?? {} }, ({ lib, module }) => {
        const labels = listTokens(lib).map(token => token.label)
        if (labels.includes(request.label)) {
          throw new WarderError('already-initialised', 'a token has this label', { facts: { label: request.label } })
        }
        // not graphene's: it expects an answer of this call that the binding does not give
        lib.C_InitToken(freeSlot(lib), pinText(soPin), padded)
        // SoftHSM shows the new token in another slot
        const token = findToken(lib, { label: request.label })
        const session = slotOf(module, token.slot).open(
          graphene.SessionFlag.RW_SESSION | graphene.SessionFlag.SERIAL_SESSION,
        )
        try {
          session.login(pinText(soPin), graphene.UserType.SO)
          session.initPin(pinText(pin))
          session.logout()
        } finally {
          session.close()
        }
        return { serial: token.serial }
      }),
    ),
  )
}

/**
 * Makes the first root keys: `warder/kek/1`, `warder/export-kek/1`, `warder/import-kek/1` and `warder/store/1`. Those that
 * wrap are wrapped to the recipient first, when the configuration names one.
 * @throws WarderError `already-initialised` when the token has any `warder/…` object, of whatever kind, but for copies of keys
 *   that a run which was broken off has not come to make.
 */
export async function createRootKeys(
  config: Pick<Config, 'module' | 'environment' | 'initString' | 'token' | 'pin' | 'stateDir' | 'backupRecipient'>,
): Promise<void> {
  const recipient = await readRecipient(config.backupRecipient)
  await withModule(config, async ({ lib }) => {
    const token = findToken(lib, config.token)
    const session = lib.C_OpenSession(token.slot, readWrite)
    try {
      await login(lib, session, token, config, () => new Date())
      for (const object of findObjects(lib, session, [{ type: pkcs11js.CKA_TOKEN, value: true }])) {
        const [label] = readAttributes(lib, session, object, [pkcs11js.CKA_LABEL])
        const name = label.toString('utf8')
        if (name.startsWith('warder/') && !isCopyLabel(name)) {
          throw new WarderError('already-initialised', 'the token has keys of an appliance', {
            facts: { serial: token.serial, key: name },
          })
        }
      }
      await new RootKeyMaker(lib, new Copies(lib, config.stateDir), recipient).makeFirst(session)
    } finally {
      closeSession(lib, session)
    }
  })
}

export interface Provisioning {
  readonly lib: Cryptoki
  readonly module: graphene.Module
}

/** Runs `fn` with the module loaded, and finalises it whatever happens. */
export async function withModule<T>(
  from: Parameters<typeof loadModule>[0],
  fn: (provisioning: Provisioning) => T | Promise<T>,
): Promise<T> {
  const loaded = loadModule(from)
  try {
    return await fn({ lib: loaded.lib, module: new graphene.Module(loaded.lib) })
  } catch (error) {
    throw toWarderError(error)
  } finally {
    loaded.close()
  }
}

export function slotOf(module: graphene.Module, handle: Handle): graphene.Slot {
  const slots = module.getSlots(true)
  for (let index = 0; index < slots.length; index++) {
    const slot = slots.items(index)
    if (slot.handle.equals(handle)) return slot
  }
  throw new WarderError('hsm-unavailable', 'the slot has gone')
}

function freeSlot(lib: Cryptoki): Handle {
  const free = lib.C_GetSlotList(true).find(slot => (describe(lib, slot).flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0)
  if (free === undefined) throw new WarderError('hsm-unavailable', 'no token is free to be initialised')
  return free
}
