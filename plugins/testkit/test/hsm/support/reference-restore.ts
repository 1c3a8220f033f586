import { constants, createSecretKey, privateDecrypt, type KeyObject } from 'node:crypto'
import { WarderError, type WrappedRootKey } from '@warder/contract'
import { hashes, keyUnwrap, privateKey } from './reference-keys.ts'
import type { ReferenceToken } from './reference-token.ts'

/** Test-only reference: opens all before it places any. */
export function restoreTo(
  token: ReferenceToken,
  keys: readonly WrappedRootKey[],
  recipientKey: Uint8Array,
): readonly string[] {
  if (keys.length === 0) throw new WarderError('malformed-request', 'no backup')
  const opened = new Map(keys.map(key => [`${key.purpose}/${key.number}`, open(key, recipientKey)]))
  const numbers = new Set(keys.map(({ number }) => number))
  const done: string[] = []
  for (const number of numbers) {
    const kek = opened.get(`kek/${number}`)
    const exportKek = opened.get(`export-kek/${number}`)
    if (kek === undefined || exportKek === undefined) throw new WarderError('malformed-request', 'not a generation')
    const there = token.root(number)
    if (there === undefined) continue
    if (!there.kek.equals(kek)) throw new WarderError('already-initialised', 'another key', { facts: { number } })
    numbers.delete(number)
  }
  if (numbers.size > 0 && token.roots.length > 0) throw new WarderError('already-initialised', 'not of this backup')
  for (const number of numbers) {
    const [kek, exportKek] = ['kek', 'export-kek'].map(purpose => opened.get(`${purpose}/${number}`) as KeyObject)
    if (kek !== undefined && exportKek !== undefined) token.roots[number - 1] = { kek, exportKek }
    token.copies.push(...keys.filter(key => key.number === number))
    done.push(`restored the generation ${number}`)
  }
  return done
}

function open({ oaep, wrapped }: WrappedRootKey, recipientKey: Uint8Array): KeyObject {
  try {
    const key = privateKey(Buffer.from(recipientKey))
    const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashes[oaep] }
    const transport = privateDecrypt(options, wrapped.subarray(0, -40))
    return createSecretKey(keyUnwrap(transport, wrapped.subarray(-40)))
  } catch (error) {
    throw new WarderError('decryption-failed', 'this does not open', { cause: error })
  }
}
