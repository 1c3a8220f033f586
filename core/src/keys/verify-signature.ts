import {
  constants,
  createHash,
  createPublicKey,
  type KeyObject,
  publicDecrypt,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import type { KeyAlgorithm, SignatureAlgorithm } from '@warder/contract'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import type { SignatureFormat } from './model.ts'
import { type HashName, hashLength, schemes } from './signature.ts'

export interface Verification {
  readonly spki: Uint8Array
  readonly key: KeyAlgorithm
  readonly algorithm: SignatureAlgorithm
  /** Of ECDSA signatures. */
  readonly format: SignatureFormat | undefined
  readonly input: Uint8Array
  readonly prehashed: boolean
  readonly signature: Uint8Array
}

/**
 * Verifies in this process: public keys need no HSM. A signature of the wrong form or length is invalid, not an error.
 *
 * node:crypto verifies messages and offers no way in for a digest; prehashed inputs take the ways below.
 */
export function signatureIsValid({ spki, key, algorithm, format, input, prehashed, signature }: Verification): boolean {
  const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const { family, hash } = schemes[algorithm]
  if (hash === undefined) return verify(null, input, publicKey, signature)
  // OpenSSL takes RSA signatures without their leading zeros; RFC 8017 (8.1.2 and 8.2.2, step 1) does not.
  if (family !== 'ecdsa' && signature.length !== modulusBytes(publicKey)) return false
  switch (family) {
    case 'ecdsa':
      return prehashed
        ? ecdsaDigestIsValid(publicKey, key, format, input, signature)
        : verify(hash, input, { key: publicKey, dsaEncoding: format === 'der' ? 'der' : 'ieee-p1363' }, signature)
    case 'pss':
      return prehashed
        ? pssDigestIsValid(publicKey, hash, input, signature)
        : verify(
            hash,
            input,
            { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashLength(hash) },
            signature,
          )
    case 'pkcs1':
      return prehashed
        ? pkcs1DigestIsValid(publicKey, hash, input, signature)
        : verify(hash, input, publicKey, signature)
  }
}

const modulusBytes = (key: KeyObject): number => (key.asymmetricKeyDetails?.modulusLength as number) / 8

const curves: Partial<Record<KeyAlgorithm, typeof p256>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }

function ecdsaDigestIsValid(
  key: KeyObject,
  algorithm: KeyAlgorithm,
  format: SignatureFormat | undefined,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { x, y } = key.export({ format: 'jwk' })
  const point = Buffer.concat([
    Buffer.from([4]),
    Buffer.from(x as string, 'base64url'),
    Buffer.from(y as string, 'base64url'),
  ])
  const curve = curves[algorithm] as typeof p256
  try {
    // ECDSA itself does not ask for low s (SEC 1 section 4.1.4); that is a rule of some ledgers.
    return curve.verify(signature, digest, point, {
      prehash: false,
      lowS: false,
      format: format === 'der' ? 'der' : 'compact',
    })
  } catch {
    return false
  }
}

/** EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): the padding is checked by OpenSSL, the DigestInfo byte by byte here. */
function pkcs1DigestIsValid(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const digestInfo = Buffer.concat([Buffer.from(digestInfoPrefix[hash], 'hex'), digest])
  const recovered = recover(key, constants.RSA_PKCS1_PADDING, signature)
  return recovered !== undefined && recovered.length === digestInfo.length && timingSafeEqual(recovered, digestInfo)
}

/** RFC 8017 section 9.2, note 1. */
const digestInfoPrefix: Readonly<Record<HashName, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/** EMSA-PSS-VERIFY (RFC 8017 section 9.1.2) with MGF1 of the same hash and a salt as long as it. */
function pssDigestIsValid(key: KeyObject, hash: HashName, digest: Uint8Array, signature: Uint8Array): boolean {
  const encoded = recover(key, constants.RSA_NO_PADDING, signature)
  const length = hashLength(hash)
  if (encoded === undefined || encoded.length < 2 * length + 2 || encoded.at(-1) !== 0xbc) return false
  // Our moduli are whole bytes long, so the encoded message has 8 × its length − 1 bits: the first bit is zero.
  if (((encoded[0] as number) & 0x80) !== 0) return false
  const seed = encoded.subarray(-length - 1, -1)
  const block = Buffer.from(encoded.subarray(0, -length - 1))
  const mask = mgf1(hash, seed, block.length)
  for (let i = 0; i < block.length; i++) block[i] = (block[i] as number) ^ (mask[i] as number)
  block[0] = (block[0] as number) & 0x7f
  const padding = block.length - length - 1
  if (block.subarray(0, padding).some(byte => byte !== 0) || block[padding] !== 1) return false
  const expected = createHash(hash)
    .update(Buffer.alloc(8))
    .update(digest)
    .update(block.subarray(padding + 1))
    .digest()
  return timingSafeEqual(expected, seed)
}

/** MGF1 (RFC 8017 appendix B.2.1). */
function mgf1(hash: HashName, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let counter = 0; blocks.length * hashLength(hash) < length; counter++) {
    const encodedCounter = Buffer.alloc(4)
    encodedCounter.writeUInt32BE(counter)
    blocks.push(createHash(hash).update(seed).update(encodedCounter).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

function recover(key: KeyObject, padding: number, signature: Uint8Array): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding }, signature)
  } catch {
    return undefined
  }
}
