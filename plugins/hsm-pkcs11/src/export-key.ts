import type { KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type OaepAlgorithm } from '@warder/contract'
import { holding, type Cryptoki, type Handle } from './cryptoki.ts'
import { oaepForms } from './oaep.ts'
import { discard } from './objects.ts'
import { parseSpki, publicParts } from './spki.ts'
import { exportingKey, recipientKey } from './templates.ts'
import { wrapOut } from './wrapping.ts'

const leastBits = 2048
const mostBits = 4096

/** @throws WarderError `malformed-request` for what is no RSA public key of 2048 to 4096 bits. */
export function parseRecipient(spki: Uint8Array): KeyObject {
  const recipient = parseSpki(spki)
  const { modulusLength = 0 } = recipient?.asymmetricKeyDetails ?? {}
  const usable = recipient?.asymmetricKeyType === 'rsa' && modulusLength >= leastBits && modulusLength <= mostBits
  if (recipient !== undefined && usable) return recipient
  throw new WarderError('malformed-request', `the recipient is no RSA public key of ${leastBits} to ${mostBits} bits`, {
    facts: { field: 'recipient' },
  })
}

/** Wraps `key`, which must be extractable, under an AES key made for this, and that to the recipient: both inside the HSM. */
export async function exportTo(
  lib: Cryptoki,
  session: Handle,
  key: Handle,
  recipient: KeyObject,
  oaep: OaepAlgorithm,
): Promise<Uint8Array> {
  const made: Handle[] = []
  try {
    const carrier = lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, exportingKey)
    made.push(carrier)
    const wrapped = await wrapOut(lib, session, carrier, key)
    const publicKey = lib.C_CreateObject(session, [...recipientKey, ...publicParts(recipient)])
    made.push(publicKey)
    const out = Buffer.alloc(mostBits / 8)
    const { mechanism } = oaepForms[oaep]
    const encrypted = await holding([out], lib.C_WrapKeyAsync(session, mechanism, publicKey, carrier, out))
    return new Uint8Array(Buffer.concat([encrypted, wrapped]))
  } finally {
    discard(lib, session, made)
  }
}
