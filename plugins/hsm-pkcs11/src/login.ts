import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { ckrOf, meaningOf, toWarderError } from './ckr.ts'
import type { Config } from './config.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { Gate } from './gate.ts'
import { alone } from './login-lock.ts'
import { type AskOperator, pinText, withPin } from './read-pin.ts'
import { RefusedPin } from './refused-pin.ts'

const oneAtATime = new Gate(1)

/**
 * Logs the user in, with one attempt and no more. A PIN this token has refused before is not presented again, by this
 * process or another, until a different PIN is configured. Of several processes one logs in at a time, since each looks at
 * the record before and writes it after.
 * @throws WarderError `pin-refused`; the refusal is on disk by then.
 */
export function login(
  lib: Cryptoki,
  session: Handle,
  token: { readonly serial: string },
  config: Pick<Config, 'pin' | 'stateDir'>,
  now: () => Date,
  askOperator?: AskOperator,
): Promise<void> {
  const refused = new RefusedPin(config.stateDir, token.serial)
  return oneAtATime.run(undefined, async () => {
    await refused.prepare()
    const attempt = async (pin: Uint8Array): Promise<void> => {
      const since = await refused.refusedAt(pin)
      if (since !== undefined) {
        throw new WarderError('pin-refused', 'the token has refused this PIN before: it is not tried again', {
          facts: { serial: token.serial, since },
        })
      }
      try {
        lib.C_Login(session, pkcs11js.CKU_USER, pinText(pin))
      } catch (error) {
        const ckr = ckrOf(error)
        // somebody in this process has logged in; that says nothing about this PIN
        if (ckr === 'CKR_USER_ALREADY_LOGGED_IN') return
        if (ckr !== undefined && meaningOf(ckr) === 'pin') await remember(refused, pin, now(), error)
        throw toWarderError(error)
      }
      await refused.forget()
    }
    await alone(config.stateDir, token.serial, () => withPin(config.pin, attempt, askOperator))
  })
}

async function remember(refused: RefusedPin, pin: Uint8Array, now: Date, refusal: unknown): Promise<void> {
  try {
    await refused.remember(pin, now)
  } catch (error) {
    throw new WarderError(
      'pin-refused',
      'the token refused the PIN, and that could not be remembered: do not restart',
      {
        facts: { ckr: ckrOf(refusal) ?? '', remembered: false },
        cause: new AggregateError([refusal, error]),
      },
    )
  }
}
