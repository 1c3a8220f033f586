import * as graphene from 'graphene-pk11'
import { WarderError } from '@warder/contract'
import type { Config } from './config.ts'
import { mechanismName } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import { login } from './login.ts'
import { slotOf, withModule } from './provision.ts'

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
    /** CKA_ID as hexadecimal. */
    readonly id: string
    readonly type: string
  }[]
}

/** What an operator may see of a token: names and kinds, no values. Logs in, under the rules of the PIN. */
export function inspect(
  config: Pick<Config, 'module' | 'environment' | 'initString' | 'token' | 'pin' | 'stateDir'>,
): Promise<Inspection> {
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
      }
    } finally {
      session.close()
    }
  })
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
    const { label, id, keyType } = object.getAttribute({ label: null, id: null, keyType: null })
    if (label == null || id == null) throw new WarderError('hsm-failed', 'the token hides an object')
    all.push({
      label,
      class: graphene.ObjectClass[object.class] ?? String(object.class),
      id: id.toString('hex'),
      type: graphene.KeyType[keyType as number] ?? `0x${Number(keyType).toString(16)}`,
    })
  }
  return all.toSorted((a, b) => (`${a.label} ${a.class}` < `${b.label} ${b.class}` ? -1 : 1))
}
