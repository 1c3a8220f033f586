import type { KeyObject } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { holding, type Cryptoki, type Handle } from './cryptoki.ts'
import { algorithmOf, mismatch, parseSpki, publicPoint } from './spki.ts'
import { readableTemplate, takeValue } from './wrapping.ts'

/**
 * The peer's point, which node:crypto has found to be on its curve, before a token sees it.
 * @throws WarderError `malformed-request` for what is no public key, `algorithm-mismatch` for one of another curve.
 */
export function readPeer(spki: Uint8Array, algorithm: KeyAlgorithm): KeyObject {
  const peer = parseSpki(spki)
  if (peer === undefined) {
    throw new WarderError('malformed-request', 'the peer is no public key', { facts: { field: 'peer' } })
  }
  if (algorithmOf(peer) !== algorithm) throw mismatch(algorithm)
  return peer
}

/** ECDH (NIST SP 800-56A section 5.7.1.2), without a key derivation function. The x-coordinate is the caller's to wipe. */
export async function agree(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  algorithm: KeyAlgorithm,
  peer: KeyObject,
): Promise<Uint8Array> {
  const form = keyForms[algorithm]
  if (form.family !== 'ec') throw new TypeError('not an EC key')
  const publicData = publicPoint(peer)
  const parameter = { type: pkcs11js.CK_PARAMS_EC_DH, kdf: pkcs11js.CKD_NULL, publicData }
  const mechanism = { mechanism: pkcs11js.CKM_ECDH1_DERIVE, parameter }
  const template = [...readableTemplate, { type: pkcs11js.CKA_VALUE_LEN, value: form.coordinate }]
  const object = await holding([publicData], lib.C_DeriveKeyAsync(session, mechanism, handle, template))
  const value = takeValue(lib, session, object)
  try {
    return new Uint8Array(value)
  } finally {
    value.fill(0)
  }
}
