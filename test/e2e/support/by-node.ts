import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import type { OaepAlgorithm, SignatureAlgorithm } from '@warder/contract'
import { keyUnwrap, keyWrap, oaepHashes } from './bring-key.ts'

// The other half of every operation, made of node:crypto alone and after docs/rest.md: nothing here is Warder's own code.

export type Format = 'der' | 'raw'

/** Where a ciphertext belongs: what its additional data says besides the caller's own. */
export interface Place {
  readonly space: string
  readonly id: string
  readonly version: number
}

export function nodeSigns(key: KeyObject, algorithm: SignatureAlgorithm, format: Format, message: Uint8Array): Buffer {
  return sign(hashOf(algorithm), message, { key, ...schemeOf(algorithm, format) })
}

export function nodeVerifies(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  format: Format,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(hashOf(algorithm), message, { key, ...schemeOf(algorithm, format) }, signature)
}

/** `01 | version | iv | ciphertext | tag`. */
export function nodeEncrypts(key: Uint8Array, place: Place, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(additionalData(place, aad))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([header(place.version), iv, ciphertext, cipher.getAuthTag()])
}

export function nodeDecrypts(key: Uint8Array, place: Place, bytes: Buffer, aad: Uint8Array): Buffer {
  if (!bytes.subarray(0, 5).equals(header(place.version))) throw new Error('another header')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(5, 17))
    .setAAD(additionalData(place, aad))
    .setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(17, -16)), decipher.final()])
}

export function nodeEncryptsTo(key: KeyObject, oaep: OaepAlgorithm, plaintext: Uint8Array): Buffer {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[oaep] }, plaintext)
}

export function nodeDecryptsWith(key: KeyObject, oaep: OaepAlgorithm, ciphertext: Uint8Array): Buffer {
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: oaepHashes[oaep] }, ciphertext)
}

/** `algorithm` is the key's, such as HMAC-SHA-256. */
export function nodeMacs(key: Uint8Array, algorithm: string, input: Uint8Array): Buffer {
  return createHmac(algorithm.replace('HMAC-SHA-', 'sha'), key).update(input).digest()
}

/** `01 | version | RFC 5649 of (length | bytes | zeros to a multiple of 8)`. */
export function nodeWraps(key: Uint8Array, version: number, bytes: Uint8Array): Buffer {
  const zeros = Buffer.alloc((8 - ((4 + bytes.length) % 8)) % 8)
  return Buffer.concat([header(version), keyWrap(key, Buffer.concat([u32(bytes.length), bytes, zeros]))])
}

export function nodeUnwraps(key: Uint8Array, version: number, wrapped: Buffer): Buffer {
  if (!wrapped.subarray(0, 5).equals(header(version))) throw new Error('another header')
  const framed = keyUnwrap(key, wrapped.subarray(5))
  const end = 4 + framed.readUInt32BE()
  const zeros = framed.subarray(end)
  if (framed.length % 8 !== 0 || zeros.length > 7 || zeros.some(byte => byte !== 0)) throw new Error('another framing')
  return framed.subarray(4, end)
}

/** Space, key id, version and the caller's own, each after its length. */
export function additionalData({ space, id, version }: Place, aad: Uint8Array): Buffer {
  const parts = [Buffer.from(space), Buffer.from(id), u32(version), aad]
  return Buffer.concat(parts.flatMap(part => [u32(part.length), part]))
}

function schemeOf(algorithm: SignatureAlgorithm, format: Format): object {
  switch (algorithm.slice(0, 2)) {
    case 'ES':
      return { dsaEncoding: format === 'der' ? 'der' : 'ieee-p1363' }
    case 'PS':
      return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(algorithm.slice(2)) / 8 }
    default:
      return {}
  }
}

const hashOf = (algorithm: SignatureAlgorithm): string | null =>
  algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`

const header = (version: number): Buffer => Buffer.concat([Buffer.from([1]), u32(version)])

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
