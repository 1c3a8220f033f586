import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { discard } from './objects.ts'
import { faultOf } from './root-keys.ts'
import { passingCarrier, rootKeyTemplate, rootLabel, settled, type WrappingPurpose } from './templates.ts'
import { unwrap, wrapOut } from './wrapping.ts'

interface Passing {
  readonly purpose: WrappingPurpose
  readonly number: number
  readonly handle: Handle
}

/**
 * Makes a token key that is not extractable of a session key that is: a copy (C_CopyObject, PKCS#11 v2.40 section 5.7), or,
 * where a module makes none that is what a root key must be, the key unwrapped anew under another made for this.
 * @throws WarderError `hsm-failed` when what is on the token then is no root key; it has been destroyed.
 */
export async function settle(lib: Cryptoki, session: Handle, key: Passing): Promise<Handle> {
  const copied = copy(lib, session, key)
  if (copied !== undefined) return copied
  const made = await unwrapAnew(lib, session, key)
  const fault = faultOf(lib, session, made, key.purpose)
  if (fault === undefined) return made
  lib.C_DestroyObject(session, made)
  const label = rootLabel(key.purpose, key.number)
  throw new WarderError('hsm-failed', `the token does not make a root key of ${label}: ${fault}`, {
    facts: { key: label, reason: fault },
  })
}

function copy(lib: Cryptoki, session: Handle, { purpose, number, handle }: Passing): Handle | undefined {
  let made: Handle
  try {
    made = lib.C_CopyObject(session, handle, [...settled(purpose, number, randomBytes(16))])
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || meaningOf(ckr) !== 'other') throw error
    return undefined
  }
  if (faultOf(lib, session, made, purpose) === undefined) return made
  lib.C_DestroyObject(session, made)
  return undefined
}

async function unwrapAnew(lib: Cryptoki, session: Handle, { purpose, number, handle }: Passing): Promise<Handle> {
  const carrier = lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [...passingCarrier])
  try {
    const wrapped = await wrapOut(lib, session, carrier, handle)
    // CKA_VALUE_LEN must not be named when unwrapping
    const template = rootKeyTemplate(purpose, number, randomBytes(16))
    const unwrapping = template.filter(({ type }) => type !== pkcs11js.CKA_VALUE_LEN)
    return await unwrap(lib, session, carrier, wrapped, unwrapping)
  } finally {
    discard(lib, session, [carrier])
  }
}
