import {
  constants,
  createECDH,
  createHash,
  privateEncrypt,
  randomBytes,
  sign as signMessage,
  type KeyObject,
} from 'node:crypto'
import type { SignatureAlgorithm } from '@warder/contract'

// Test-only reference: signatures over a digest, which node:crypto has no call for. Not in constant time.

const digestInfo: Readonly<Record<string, string>> = {
  RS256: '3031300d060960864801650304020105000420',
  RS384: '3041300d060960864801650304020205000430',
  RS512: '3051300d060960864801650304020305000440',
}

const curves: Readonly<Record<string, { readonly name: string; readonly order: bigint; readonly bytes: number }>> = {
  ES256: {
    name: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    bytes: 32,
  },
  ES384: {
    name: 'secp384r1',
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    bytes: 48,
  },
  ES512: {
    name: 'secp521r1',
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    bytes: 66,
  },
}

export function rawSign(key: KeyObject, algorithm: SignatureAlgorithm, input: Uint8Array): Buffer {
  if (algorithm === 'EdDSA') return signMessage(null, input, key)
  const prefix = digestInfo[algorithm]
  if (prefix !== undefined) {
    const info = Buffer.concat([Buffer.from(prefix, 'hex'), input])
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info)
  }
  if (algorithm.startsWith('PS')) {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, pssEncode(input, bits))
  }
  return ecdsa(key, algorithm, input)
}

/** EMSA-PSS-ENCODE (RFC 8017 section 9.1.1), salt as long as the hash. */
function pssEncode(digest: Uint8Array, bits: number): Buffer {
  const hash = `sha${digest.length * 8}`
  const salt = randomBytes(digest.length)
  const h = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()
  const db = Buffer.alloc(bits / 8 - h.length - 1)
  db[db.length - salt.length - 1] = 1
  db.set(salt, db.length - salt.length)
  for (let counter = 0, at = 0; at < db.length; counter++) {
    const block = createHash(hash)
      .update(h)
      .update(Buffer.from([0, 0, counter >> 8, counter & 0xff]))
      .digest()
    for (const byte of block) if (at < db.length) db[at] = (db[at++] ?? 0) ^ byte
  }
  db[0] = (db[0] ?? 0) & 0x7f
  return Buffer.concat([db, h, Buffer.from([0xbc])])
}

/** FIPS 186-5 section 6.4.1 with a random k; k·G by node's ECDH. */
function ecdsa(key: KeyObject, algorithm: SignatureAlgorithm, digest: Uint8Array): Buffer {
  const curve = curves[algorithm]
  if (curve === undefined) throw new TypeError('not an ECDSA algorithm')
  const { d = '' } = key.export({ format: 'jwk' })
  const ecdh = createECDH(curve.name)
  ecdh.generateKeys()
  const k = toNumber(ecdh.getPrivateKey())
  const r = toNumber(ecdh.getPublicKey().subarray(1, 1 + curve.bytes)) % curve.order
  const z = toNumber(digest)
  const s = (inverse(k, curve.order) * (z + r * toNumber(Buffer.from(d, 'base64url')))) % curve.order
  return Buffer.from([r, s].map(part => part.toString(16).padStart(curve.bytes * 2, '0')).join(''), 'hex')
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b, x, y] = [b % a, a, y - quotient * x, x]
  }
  return ((x % modulus) + modulus) % modulus
}
