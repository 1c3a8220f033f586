import * as graphene from 'graphene-pk11'
import { WarderError } from '@warder/contract'
import type { Config } from './config.ts'
import { Copies } from './copies.ts'
import { mechanismName, type Cryptoki, type Handle } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import { login } from './login.ts'
import { nameOf } from './make-root-keys.ts'
import { slotOf, withModule } from './provision.ts'
import { readRecipient } from './recipient.ts'
import { copiesOf } from './root-key-backup.ts'
import { findRootKeys } from './root-keys.ts'
import { wrappingPurposes } from './templates.ts'
import { allOf, type WrappingRootKey } from './wrapping-keys.ts'

export interface Inspection {
  readonly token: {
    readonly label: string
    readonly serial: string
    readonly manufacturer: string
    readonly model: string
    readonly firmware: string
    /** Tries left are not told by PKCS#11, only that they run out. */
    readonly pin: { readonly countLow: boolean; readonly finalTry: boolean; readonly locked: boolean }
  }
  /** `null` where the token does not tell, or names no limit. */
  readonly sessions: { readonly open: number | null; readonly max: number | null }
  readonly mechanisms: readonly {
    readonly name: string
    readonly minKeySize: number
    readonly maxKeySize: number
  }[]
  readonly objects: readonly {
    readonly label: string
    readonly class: string
    /** CKA_ID as hexadecimal; empty, like the type, for data, which has neither. */
    readonly id: string
    readonly type: string
  }[]
  /** Recipients by the SHA-256 of their public key (SPKI) in hexadecimal. */
  readonly backup: {
    /** Whom the configuration names; `null` when it names nobody. */
    readonly recipient: string | null
    /**
     * The root keys that wrap, and whom each has been wrapped to: what is wrapped to nobody dies with the token. `null` when
     * they are not what root keys must be, as opening the token says.
     */
    readonly rootKeys: readonly { readonly name: string; readonly wrappedTo: readonly string[] }[] | null
  }
}

/** What an operator may see of a token: names and kinds, no values. Logs in, under the rules of the PIN. */
export async function inspect(
  config: Pick<Config, 'module' | 'environment' | 'initString' | 'token' | 'pin' | 'stateDir' | 'backupRecipient'>,
): Promise<Inspection> {
  const recipient = await readRecipient(config.backupRecipient)
  return withModule(config, async ({ lib, module }) => {
    const description = findToken(lib, config.token)
    const slot = slotOf(module, description.slot)
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION)
    try {
      await login(lib, session.handle, description, config, () => new Date())
      const token = slot.getToken()
      const { label, serial, manufacturer, model, firmware } = description
      const has = (flag: graphene.TokenFlag): boolean => (token.flags & flag) !== 0
      return {
        token: {
          label,
          serial,
          manufacturer,
          model,
          firmware,
          pin: {
            countLow: has(graphene.TokenFlag.USER_PIN_COUNT_LOW),
            finalTry: has(graphene.TokenFlag.USER_PIN_FINAL_TRY),
            locked: has(graphene.TokenFlag.USER_PIN_LOCKED),
          },
        },
        sessions: {
          open: known(token.sessionCount),
          max: token.maxSessionCount === 0 ? null : known(token.maxSessionCount),
        },
        mechanisms: mechanismsOf(slot),
        objects: objectsOf(session),
        backup: {
          recipient: recipient?.fingerprint ?? null,
          rootKeys: await backedUp(lib, session.handle, new Copies(lib, config.stateDir)),
        },
      }
    } finally {
      session.close()
    }
  })
}

async function backedUp(lib: Cryptoki, session: Handle, copies: Copies): Promise<Inspection['backup']['rootKeys']> {
  const found = soundRootKeys(lib, session)
  if (found === undefined) return null
  const keys = await copiesOf(lib, session, found, copies)
  return keys.map(({ key, copies: own }) => ({
    name: `warder/${nameOf(key)}`,
    wrappedTo: [...new Set(own.map(copy => copy.recipient))].toSorted(),
  }))
}

function soundRootKeys(lib: Cryptoki, session: Handle): readonly WrappingRootKey[] | undefined {
  try {
    return allOf(findRootKeys(lib, session, wrappingPurposes))
  } catch (error) {
    if (!WarderError.is(error, 'not-initialised')) throw error
    return undefined
  }
}

// CK_UNAVAILABLE_INFORMATION is all ones, whatever the width of CK_ULONG
function known(count: number): number | null {
  return count >= 0xffffffff ? null : count
}

function mechanismsOf(slot: graphene.Slot): Inspection['mechanisms'] {
  const mechanisms = slot.getMechanisms()
  const all = []
  for (let index = 0; index < mechanisms.length; index++) {
    const { type, minKeySize, maxKeySize } = mechanisms.items(index)
    all.push({ name: mechanismName(type), minKeySize, maxKeySize })
  }
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function objectsOf(session: graphene.Session): Inspection['objects'] {
  const objects = session.find()
  const all = []
  for (let index = 0; index < objects.length; index++) {
    const object = objects.items(index)
    const kind = graphene.ObjectClass[object.class] ?? String(object.class)
    if (object.class === graphene.ObjectClass.DATA) {
      all.push({ label: object.getAttribute({ label: null }).label ?? '', class: kind, id: '', type: '' })
      continue
    }
    const { label, id, keyType } = object.getAttribute({ label: null, id: null, keyType: null })
    if (label == null || id == null) throw new WarderError('hsm-failed', 'the token hides an object')
    all.push({
      label,
      class: kind,
      id: id.toString('hex'),
      type: graphene.KeyType[keyType as number] ?? `0x${Number(keyType).toString(16)}`,
    })
  }
  return all.toSorted((a, b) => (`${a.label} ${a.class}` < `${b.label} ${b.class}` ? -1 : 1))
}
