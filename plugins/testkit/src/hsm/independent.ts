import assert from 'node:assert/strict'
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  ECDH,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  verify,
  type KeyObject,
} from 'node:crypto'
import type { KeyAlgorithm, KeyUsage, OaepAlgorithm, SignatureAlgorithm } from '@warder/contract'
import { type Pair, RsaPairs } from './rsa-pairs.ts'

// The other side of every exchange: what node:crypto makes of it, which knows nothing of the token.

export const rsaKeys = ['RSA-2048', 'RSA-3072', 'RSA-4096'] as const

/** The keys that make each kind of signature. */
export const signers: Readonly<Record<SignatureAlgorithm, readonly KeyAlgorithm[]>> = {
  ES256: ['P-256'],
  ES384: ['P-384'],
  ES512: ['P-521'],
  PS256: rsaKeys,
  PS384: rsaKeys,
  PS512: rsaKeys,
  RS256: rsaKeys,
  RS384: rsaKeys,
  RS512: rsaKeys,
  EdDSA: ['Ed25519'],
}

export const macHashes = {
  'HMAC-SHA-256': 'sha256',
  'HMAC-SHA-384': 'sha384',
  'HMAC-SHA-512': 'sha512',
} as const
export type MacAlgorithm = keyof typeof macHashes

/** How long a secret key is, in bytes; `undefined` for key pairs. */
export function secretBytes(algorithm: KeyAlgorithm): number | undefined {
  if (algorithm === 'AES-256') return 32
  return algorithm in macHashes ? Number(algorithm.slice(-3)) / 8 : undefined
}

const pointBytes: Readonly<Record<string, number>> = { prime256v1: 65, secp384r1: 97, secp521r1: 133 }

/** The public point with the other y, as SPKI: of another key, whose agreements have the same x-coordinates. */
export function negated(spki: Uint8Array): Uint8Array {
  const curve = publicKey(spki).asymmetricKeyDetails?.namedCurve ?? ''
  // 4, x and y are the last of an SPKI
  const start = spki.length - (pointBytes[curve] ?? 0)
  const point = Buffer.from(ECDH.convertKey(spki.subarray(start), curve, undefined, undefined, 'compressed') as Buffer)
  point[0] = (point[0] ?? 0) ^ 1
  const other = ECDH.convertKey(point, curve, undefined, undefined, 'uncompressed') as Buffer
  return new Uint8Array(Buffer.concat([spki.subarray(0, start), other]))
}

export function publicKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
}

/** The algorithm a public key is of, in this contract's names. */
export function algorithmOf(key: KeyObject): string {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'rsa') return `RSA-${details?.modulusLength}`
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }
  return curves[details?.namedCurve ?? ''] ?? 'unknown'
}

/** The digest's length in bytes; `undefined` where the message itself is the input. */
export function digestBytes(algorithm: SignatureAlgorithm): number | undefined {
  return algorithm === 'EdDSA' ? undefined : Number(algorithm.slice(-3)) / 8
}

/** What `sign` takes for a message. */
export function signInput(algorithm: SignatureAlgorithm, message: Uint8Array): Uint8Array {
  return algorithm === 'EdDSA'
    ? message
    : createHash(`sha${algorithm.slice(-3)}`)
        .update(message)
        .digest()
}

export function verifies(
  spki: Uint8Array,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = publicKey(spki)
  if (algorithm === 'EdDSA') return verify(null, message, key, signature)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  const options = { key, dsaEncoding: 'ieee-p1363' as const, ...(algorithm.startsWith('PS') ? pss : {}) }
  return verify(`sha${algorithm.slice(-3)}`, message, options, signature)
}

/** A key to bring in: its PKCS#8 or its bytes, with what can be known of it outside. */
export interface KnownKey {
  readonly algorithm: KeyAlgorithm
  readonly bytes: Uint8Array
  /** Of a key pair. */
  readonly spki?: Uint8Array
}

export function knownKey(algorithm: KeyAlgorithm): KnownKey {
  const length = secretBytes(algorithm)
  if (length !== undefined) return { algorithm, bytes: randomBytes(length) }
  const pair = newPair(algorithm)
  return {
    algorithm,
    bytes: pair.privateKey.export({ format: 'der', type: 'pkcs8' }),
    spki: pair.publicKey.export({ format: 'der', type: 'spki' }),
  }
}

const rsaPairs = new RsaPairs()

/** Another pair than the one before it. */
export function newPair(algorithm: KeyAlgorithm): Pair {
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519')
  if (algorithm.startsWith('RSA')) return rsaPairs.next(Number(algorithm.slice(-4)))
  return generateKeyPairSync('ec', { namedCurve: algorithm })
}

/**
 * The check value of a known secret key, by what it is for: a key that only wraps cannot encrypt, and is named by how it
 * wraps 8 zero bytes.
 */
export function checkValue({ algorithm, bytes }: KnownKey, usage: KeyUsage): Uint8Array {
  if (algorithm !== 'AES-256') {
    return hmac(algorithm as MacAlgorithm, bytes, Buffer.from('warder/check-value')).subarray(0, 8)
  }
  if (usage === 'wrap') return wrapPad(bytes, Buffer.alloc(8)).subarray(0, 8)
  return createCipheriv('aes-256-ecb', bytes, null).update('warder/check-val').subarray(0, 8)
}

export function hmac(algorithm: MacAlgorithm, key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac(macHashes[algorithm], key).update(data).digest()
}

export function gcmSeal(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** @throws AssertionError when it is not authentic. */
export function gcmOpen(key: Uint8Array, iv: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Buffer {
  return mustOpen('AES-256-GCM', () => {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad)
    decipher.setAuthTag(ciphertext.subarray(-16))
    return Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()])
  })
}

// a failure out here is the token's: it made what cannot be opened
function mustOpen(what: string, open: () => Buffer): Buffer {
  try {
    return open()
  } catch (error) {
    return assert.fail(`${what} of the token cannot be opened outside: ${String(error)}`)
  }
}

// RFC 5649 section 3
const wrapPadIv = Buffer.from('a65959a6', 'hex')

export function wrapPad(key: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv('id-aes256-wrap-pad', key, wrapPadIv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

/** @throws AssertionError when it is not authentic. */
export function unwrapPad(key: Uint8Array, wrapped: Uint8Array): Buffer {
  return mustOpen('AES key wrap', () => {
    const decipher = createDecipheriv('id-aes256-wrap-pad', key, wrapPadIv)
    return Buffer.concat([decipher.update(wrapped), decipher.final()])
  })
}

const oaepHashes: Readonly<Record<OaepAlgorithm, string>> = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
}

/** The longest message such an encryption takes under a key of so many bits (RFC 8017 section 7.1.1), in bytes. */
export function oaepRoom(algorithm: OaepAlgorithm, bits: number): number {
  return bits / 8 - 2 * createHash(oaepHashes[algorithm]).digest().length - 2
}

export function oaepSeal(spki: Uint8Array, algorithm: OaepAlgorithm, message: Uint8Array): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key: publicKey(spki), padding, oaepHash: oaepHashes[algorithm] }, message)
}

/** @throws AssertionError when it cannot be opened. */
export function oaepOpen(key: KeyObject, algorithm: OaepAlgorithm, ciphertext: Uint8Array): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return mustOpen(algorithm, () => privateDecrypt({ key, padding, oaepHash: oaepHashes[algorithm] }, ciphertext))
}

/** What {@link WrappedImport} of the contract calls `wrapped`. */
export function wrapForImport(
  spki: Uint8Array,
  oaep: OaepAlgorithm,
  bytes: Uint8Array,
  transport: Uint8Array = randomBytes(32),
): Buffer {
  return Buffer.concat([oaepSeal(spki, oaep, transport), wrapPad(transport, bytes)])
}

/** Opens what was exported to `recipient`: the PKCS#8 or the bytes of a key. @throws AssertionError when that fails. */
export function openExported(recipient: KeyObject, oaep: OaepAlgorithm, exported: Uint8Array): Buffer {
  const rsaBytes = (recipient.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const transport = oaepOpen(recipient, oaep, exported.subarray(0, rsaBytes))
  return unwrapPad(transport, exported.subarray(rsaBytes))
}

export function spkiOfPkcs8(pkcs8: Uint8Array): Buffer {
  return mustOpen('PKCS#8', () => {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
    return createPublicKey(key).export({ format: 'der', type: 'spki' })
  })
}

/** The x-coordinate of the shared point. */
export function agree(privateKey: KeyObject, spki: Uint8Array): Buffer {
  return diffieHellman({ privateKey, publicKey: publicKey(spki) })
}

export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}
