import pkcs11js from 'pkcs11js'
import { WarderError, type OaepAlgorithm } from '@warder/contract'
import { holding, mechanismName, ownBytes, type Handle } from './cryptoki.ts'
import { exportTo, parseRecipient } from './export-key.ts'
import { makePair } from './generate-key.ts'
import { checkValueIn, nameOf, type PassingRootKey } from './make-root-keys.ts'
import { oaepForms } from './oaep.ts'
import { discard } from './objects.ts'
import { readSpki } from './spki.ts'
import { on, type TokenAt } from './token-at.ts'
import { carrierKey, passingRootKey, receivingPair } from './templates.ts'
import { unwrap } from './wrapping.ts'

/** What both have to know, the better first. */
const preferred: readonly OaepAlgorithm[] = ['RSA-OAEP-256', 'RSA-OAEP']
const rsaBytes = 3072 / 8

/**
 * Takes passing root keys from one token to another, and lends them there, seen to be the same by their check values: wrapped
 * in the first to a key pair that the second has made for this, whose private half can unwrap and never leave it. Nobody
 * else's public key comes into it, and what is between the tokens is ciphertext, in the form that exported keys have.
 */
export async function withCarried<T>(
  from: TokenAt,
  to: TokenAt,
  keys: readonly PassingRootKey[],
  use: (keys: readonly PassingRootKey[]) => Promise<T>,
): Promise<T> {
  const { lib, session } = to
  const held: Handle[] = []
  try {
    const pair = await on(to, () => makePair(lib, session, 'RSA-3072', receivingPair))
    held.push(pair.privateKey, pair.publicKey)
    const recipient = parseRecipient(await on(to, () => readSpki(lib, session, pair.publicKey, 'RSA-3072')))
    const carried: PassingRootKey[] = []
    for (const key of keys) {
      const handle = await firstThatWorks(async oaep => {
        const bytes = await on(from, () => exportTo(from.lib, from.session, key.handle, recipient, oaep))
        return on(to, () => receive(to, pair.privateKey, oaep, bytes, key))
      })
      held.push(handle)
      const sent = await on(from, () => checkValueIn(from.lib, from.session, key.handle))
      if ((await on(to, () => checkValueIn(lib, session, handle))) !== sent) {
        throw new WarderError('hsm-failed', 'a root key came to another token as another key', {
          facts: { key: `warder/${nameOf(key)}`, token: to.serial },
        })
      }
      carried.push({ ...key, handle })
    }
    return await use(carried)
  } finally {
    discard(lib, session, held)
  }
}

async function receive(
  { lib, session }: TokenAt,
  privateKey: Handle,
  oaep: OaepAlgorithm,
  bytes: Uint8Array,
  { purpose }: PassingRootKey,
): Promise<Handle> {
  const encrypted = ownBytes(bytes.subarray(0, rsaBytes))
  const { mechanism } = oaepForms[oaep]
  const carrier = await holding(
    [encrypted],
    lib.C_UnwrapKeyAsync(session, mechanism, privateKey, encrypted, carrierKey),
  )
  try {
    return await unwrap(lib, session, carrier, bytes.subarray(rsaBytes), passingRootKey(purpose))
  } finally {
    discard(lib, session, [carrier])
  }
}

/** A token that cannot be used now fails the whole; any other refusal is of this one way. */
async function firstThatWorks<T>(attempt: (oaep: OaepAlgorithm) => Promise<T>): Promise<T> {
  let refusal: unknown
  for (const oaep of preferred) {
    try {
      return await attempt(oaep)
    } catch (error) {
      if (!WarderError.is(error, 'unsupported-mechanism') && !WarderError.is(error, 'hsm-failed')) throw error
      refusal = error
    }
  }
  const mechanism = mechanismName(pkcs11js.CKM_RSA_PKCS_OAEP)
  throw new WarderError('unsupported-mechanism', `no root key can be carried between the tokens: ${mechanism}`, {
    facts: { mechanism },
    cause: refusal,
  })
}
