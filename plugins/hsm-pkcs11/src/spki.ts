import { createPublicKey, type JsonWebKey } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { readAttributes } from './objects.ts'

/** The SubjectPublicKeyInfo of a public key object. @throws WarderError `algorithm-mismatch` when it is another kind. */
export function readSpki(lib: Cryptoki, session: Handle, object: Handle, algorithm: KeyAlgorithm): Uint8Array {
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
  if (!parameters.equals(form.parameters)) throw mismatch(algorithm)
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

export function rsaBits(modulus: Buffer): number {
  return BigInt(`0x0${modulus.toString('hex')}`).toString(2).length
}

function toSpki(jwk: JsonWebKey): Uint8Array {
  return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }))
}

// CKA_EC_POINT is a DER OCTET STRING by the standard, and the bare point from some modules
function content(value: Buffer, length: number): Buffer {
  if (value.length === length) return value
  const header = Buffer.from(length < 0x80 ? [0x04, length] : [0x04, 0x81, length])
  if (value.length !== header.length + length || !value.subarray(0, header.length).equals(header)) {
    throw new WarderError('hsm-failed', 'the token gave a public point of an unknown form')
  }
  return value.subarray(header.length)
}

export function mismatch(algorithm: KeyAlgorithm): WarderError {
  return new WarderError('algorithm-mismatch', 'the key is not of the algorithm it is named with', {
    facts: { keyAlgorithm: algorithm },
  })
}
