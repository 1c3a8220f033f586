import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import type { GeneratedKey, KeyAlgorithm, KeyPurpose, SealedRef } from '@warder/contract'
import { RsaPairs } from '../../../src/hsm/rsa-pairs.ts'

// Test-only reference: keys by node:crypto, as the contract describes them.

export const hashes: Readonly<Record<string, string>> = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
}

export function isSecret(algorithm: KeyAlgorithm): boolean {
  return algorithm === 'AES-256' || algorithm.startsWith('HMAC')
}

export function macHash(algorithm: KeyAlgorithm): string {
  return `sha${algorithm.slice(-3)}`
}

const rsaPairs = new RsaPairs()

/** New key material: PKCS#8 or bytes. An RSA key is another than the last of its size. */
export function newKey(algorithm: KeyAlgorithm): Buffer {
  if (algorithm === 'AES-256') return randomBytes(32)
  if (algorithm.startsWith('HMAC')) return randomBytes(Number(algorithm.slice(-3)) / 8)
  const format = { format: 'der', type: 'pkcs8' } as const
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519').privateKey.export(format)
  if (algorithm.startsWith('RSA')) {
    return rsaPairs.next(Number(algorithm.slice(-4))).privateKey.export(format)
  }
  return generateKeyPairSync('ec', { namedCurve: algorithm }).privateKey.export(format)
}

/** @throws Error when it is no PKCS#8. */
export function privateKey(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

/** @throws Error when it is no SPKI to the last byte. */
export function publicKey(spki: Uint8Array): KeyObject {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  if (!key.export({ format: 'der', type: 'spki' }).equals(spki)) throw new Error('not the SPKI it was read from')
  return key
}

/** Whether the material is a key of this algorithm. Never throws. */
export function isOf(algorithm: KeyAlgorithm, bytes: Buffer): boolean {
  if (isSecret(algorithm)) return bytes.length === (algorithm === 'AES-256' ? 32 : Number(algorithm.slice(-3)) / 8)
  try {
    return algorithmOf(privateKey(bytes)) === algorithm
  } catch {
    return false
  }
}

export function algorithmOf(key: KeyObject): string {
  const { namedCurve = '', modulusLength } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa') return `RSA-${modulusLength}`
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  return { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[namedCurve] ?? 'unknown'
}

export function publicHalf(algorithm: KeyAlgorithm, usage: KeyPurpose, bytes: Buffer): Omit<GeneratedKey, 'ref'> {
  if (!isSecret(algorithm)) {
    const spki = createPublicKey(privateKey(bytes)).export({ format: 'der', type: 'spki' })
    return { spki: new Uint8Array(spki) }
  }
  const value = check(algorithm, usage, bytes)
  return { checkValue: Uint8Array.from(value.subarray(0, 8)) }
}

/** Whether the material is the key that a reference names, if it does. */
export function isOnRecord({ algorithm, usage, spki, checkValue }: SealedRef, bytes: Buffer): boolean {
  const half = publicHalf(algorithm, usage, bytes)
  if (spki !== undefined) return half.spki !== undefined && Buffer.from(half.spki).equals(spki)
  return checkValue === undefined || (half.checkValue !== undefined && Buffer.from(half.checkValue).equals(checkValue))
}

function check(algorithm: KeyAlgorithm, usage: KeyPurpose, bytes: Buffer): Uint8Array {
  if (algorithm !== 'AES-256') return createHmac(macHash(algorithm), bytes).update('warder/check-value').digest()
  if (usage === 'wrap') return keyWrap(bytes, Buffer.alloc(8))
  return createCipheriv('aes-256-ecb', bytes, null).update('warder/check-val')
}

// RFC 5649 section 3
const wrapPadIv = Buffer.from('a65959a6', 'hex')

export function keyWrap(kek: KeyObject | Buffer, bytes: Uint8Array): Uint8Array {
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, wrapPadIv)
  return new Uint8Array(Buffer.concat([cipher.update(bytes), cipher.final()]))
}

/** @throws Error when it is not authentic. */
export function keyUnwrap(kek: KeyObject | Buffer, wrapped: Uint8Array): Buffer {
  const decipher = createDecipheriv('id-aes256-wrap-pad', kek, wrapPadIv)
  return Buffer.concat([decipher.update(wrapped), decipher.final()])
}
