import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm } from '@warder/contract'
import { isCurve, keyForms, type PairAlgorithm } from './algorithms.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'
import { readAttributes } from './objects.ts'

/** The SubjectPublicKeyInfo of a public key object. @throws WarderError `algorithm-mismatch` when it is another kind. */
export function readSpki(lib: Cryptoki, session: Handle, object: Handle, algorithm: PairAlgorithm): Uint8Array {
  const form = keyForms[algorithm]
  if (form.family === 'rsa') {
    const [modulus, exponent] = readAttributes(lib, session, object, [
      pkcs11js.CKA_MODULUS,
      pkcs11js.CKA_PUBLIC_EXPONENT,
    ])
    if (rsaBits(modulus) !== form.bits) throw mismatch(algorithm)
    return toSpki({ kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') })
  }
  const [parameters, value] = readAttributes(lib, session, object, [pkcs11js.CKA_EC_PARAMS, pkcs11js.CKA_EC_POINT])
  if (!isCurve(form, parameters)) throw mismatch(algorithm)
  if (form.family === 'edwards') {
    return toSpki({ kty: 'OKP', crv: 'Ed25519', x: content(value, 32).toString('base64url') })
  }
  const point = content(value, 1 + 2 * form.coordinate)
  return toSpki({
    kty: 'EC',
    crv: algorithm,
    x: point.subarray(1, 1 + form.coordinate).toString('base64url'),
    y: point.subarray(1 + form.coordinate).toString('base64url'),
  })
}

/**
 * A public key that others made, read by node:crypto, which refuses points that are not on their curve.
 * `undefined` for what is no SubjectPublicKeyInfo, with nothing behind it.
 */
export function parseSpki(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    // also refuses whatever may follow the key
    return key.export({ type: 'spki', format: 'der' }).equals(spki) ? key : undefined
  } catch {
    return undefined
  }
}

/** What an RSA or EC public key would be called here; `undefined` for every other kind, size and curve. */
export function algorithmOf(key: KeyObject): PairAlgorithm | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa') {
    return rsaAlgorithms.find(algorithm => keyForms[algorithm].bits === modulusLength)
  }
  return key.asymmetricKeyType === 'ec' ? curves[namedCurve ?? ''] : undefined
}

const rsaAlgorithms = ['RSA-2048', 'RSA-3072', 'RSA-4096'] as const
const curves: Readonly<Record<string, PairAlgorithm>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

/** The attributes that hold the public key of an RSA or EC key. */
export function publicParts(key: KeyObject): Template {
  const { kty, crv, n, e } = key.export({ format: 'jwk' })
  if (kty === 'RSA') {
    return [
      { type: pkcs11js.CKA_MODULUS, value: decode(n) },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: decode(e) },
    ]
  }
  const form = keyForms[crv as PairAlgorithm]
  if (form?.family !== 'ec') throw new TypeError('not an RSA or EC key')
  const point = publicPoint(key)
  return [
    { type: pkcs11js.CKA_EC_PARAMS, value: form.parameters },
    { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([octets(point.length), point]) },
  ]
}

/** The uncompressed point of an EC key (SEC 1 section 2.3.3), as ECDH takes it. */
export function publicPoint(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from([4]), decode(x), decode(y)])
}

export function rsaBits(modulus: Buffer): number {
  return BigInt(`0x0${modulus.toString('hex')}`).toString(2).length
}

function toSpki(jwk: JsonWebKey): Uint8Array {
  return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))
}

function decode(text: string | undefined): Buffer {
  return Buffer.from(text ?? '', 'base64url')
}

// CKA_EC_POINT is a DER OCTET STRING by the standard, and the bare point from some modules
function content(value: Buffer, length: number): Buffer {
  if (value.length === length) return value
  const header = octets(length)
  if (value.length !== header.length + length || !value.subarray(0, header.length).equals(header)) {
    throw new WarderError('hsm-failed', 'the token gave a public point of an unknown form')
  }
  return value.subarray(header.length)
}

/** The DER header of an OCTET STRING of up to 255 bytes. */
function octets(length: number): Buffer {
  return Buffer.from(length < 0x80 ? [0x04, length] : [0x04, 0x81, length])
}

export function mismatch(algorithm: KeyAlgorithm): WarderError {
  return new WarderError('algorithm-mismatch', 'the key is not of the algorithm it is named with', {
    facts: { keyAlgorithm: algorithm },
  })
}
