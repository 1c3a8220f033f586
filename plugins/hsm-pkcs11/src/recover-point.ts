import { createECDH, createHash, createPublicKey, ECDH, verify, type KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { agree } from './agree.ts'
import { isCurve, keyForms } from './algorithms.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { readAttributes } from './objects.ts'

const curves = [
  ['P-256', 'prime256v1'],
  ['P-384', 'secp384r1'],
  ['P-521', 'secp521r1'],
] as const

/**
 * The public point, uncompressed, of a private EC key that may sign and derive: its agreement with the generator is the
 * x-coordinate, and a signature tells which of the two points with it is the one.
 * @throws Error `CKR_CURVE_NOT_SUPPORTED` for a curve that is not used here.
 */
export async function recoverPoint(lib: Cryptoki, session: Handle, key: Handle): Promise<Buffer> {
  const [parameters] = readAttributes(lib, session, key, [pkcs11js.CKA_EC_PARAMS])
  const curve = curves.find(([algorithm]) => isCurve(keyForms[algorithm], parameters))
  if (curve === undefined) throw new Error('CKR_CURVE_NOT_SUPPORTED')
  const [algorithm, name] = curve
  const x = await agree(lib, session, key, algorithm, toPublicKey(algorithm, generatorOf(name)))
  const digest = createHash('sha256').update('warder public point').digest()
  lib.C_SignInit(session, { mechanism: pkcs11js.CKM_ECDSA }, key)
  const signature = lib.C_Sign(session, digest, Buffer.alloc(2 * x.length))
  for (const sign of [0x02, 0x03]) {
    const compressed = Buffer.concat([Buffer.from([sign]), x])
    const point = Buffer.from(ECDH.convertKey(compressed, name, undefined, undefined, 'uncompressed') as Buffer)
    const options = { key: toPublicKey(algorithm, point), dsaEncoding: 'ieee-p1363' as const }
    if (verify('sha256', Buffer.from('warder public point'), options, signature)) return point
  }
  throw new Error('CKR_FUNCTION_FAILED')
}

function generatorOf(name: string): Buffer {
  const ecdh = createECDH(name)
  ecdh.setPrivateKey(Buffer.from([1]))
  return ecdh.getPublicKey()
}

function toPublicKey(crv: string, point: Buffer): KeyObject {
  const coordinate = (point.length - 1) / 2
  const x = point.subarray(1, 1 + coordinate).toString('base64url')
  const y = point.subarray(1 + coordinate).toString('base64url')
  return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' })
}
