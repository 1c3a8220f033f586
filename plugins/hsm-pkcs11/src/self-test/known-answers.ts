import { createCipheriv, createHash, createHmac } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import type { SelfTestFinding } from '@warder/contract'
import { keyForms, type SecretAlgorithm } from '../algorithms.ts'
import type { Cryptoki, Handle } from '../cryptoki.ts'
import { gcm } from '../gcm.ts'
import { can, type Mechanisms } from '../mechanisms.ts'
import { bytesAsKey, keyWrapPad } from '../wrapping.ts'
import { notChecked, ok, problem } from './findings.ts'
import { allowed, type KnownKey, knownKey } from './known-key.ts'
import { ecdsaVector, gcmVector, hmacVectors, wrapInput } from './vectors.ts'

/** Lends a session of its own: what an operation that failed leaves active does not reach the next one. */
export type InSession = <T>(fn: (session: Handle) => T) => T

/**
 * Has the token compute what is known: published vectors with their keys, or, where it takes no key from outside, with one
 * that it made and shows, compared with node:crypto. What is made for it goes with the sessions.
 */
export function knownAnswerFindings(
  lib: Cryptoki,
  inSession: InSession,
  mechanisms: Mechanisms,
): readonly SelfTestFinding[] {
  const hmacs = Object.keys(hmacVectors.macs) as (keyof typeof hmacVectors.macs)[]
  const questions = [gcmFinding, wrapFinding, ...hmacs.map(name => (ask: Ask) => hmacFinding(ask, name)), ecdsaFinding]
  return questions.map(question => inSession(session => question({ lib, session, mechanisms })))
}

interface Ask {
  readonly lib: Cryptoki
  readonly session: Handle
  readonly mechanisms: Mechanisms
}

function gcmFinding({ lib, session, mechanisms }: Ask): SelfTestFinding {
  const check = 'known answer: AES-256-GCM'
  if (!can(mechanisms, pkcs11js.CKM_AES_GCM, pkcs11js.CKF_ENCRYPT)) return absent(check, 'CKM_AES_GCM')
  const { key: value, iv, aad, plaintext, ciphertext, name } = gcmVector
  const key = knownKey(lib, session, { ...aes(value), usage: [pkcs11js.CKA_ENCRYPT] })
  if (key === undefined) return noKey(check)
  const answer = (): Buffer => {
    lib.C_EncryptInit(session, gcm(iv, aad), key.handle)
    return lib.C_Encrypt(session, plaintext, Buffer.alloc(ciphertext.length))
  }
  const byNode = (): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key.value, iv).setAAD(aad)
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }
  return compared(check, against(key, name), key.published ? ciphertext : byNode(), answer)
}

function wrapFinding({ lib, session, mechanisms }: Ask): SelfTestFinding {
  const check = 'known answer: AES key wrap with padding'
  if (!can(mechanisms, pkcs11js.CKM_AES_KEY_WRAP_PAD, pkcs11js.CKF_WRAP)) return absent(check, 'CKM_AES_KEY_WRAP_PAD')
  const { key: value, bytes } = wrapInput
  const key = knownKey(lib, session, { ...aes(value), usage: [pkcs11js.CKA_WRAP] })
  const content = allowed(() => bytesAsKey(lib, session, bytes))
  if (key === undefined || content === undefined) return noKey(check)
  const answer = (): Buffer => lib.C_WrapKey(session, keyWrapPad, key.handle, content, Buffer.alloc(64))
  const cipher = createCipheriv('id-aes256-wrap-pad', key.value, Buffer.from('a65959a6', 'hex'))
  const expected = Buffer.concat([cipher.update(bytes), cipher.final()])
  return compared(check, 'node:crypto', expected, answer)
}

function hmacFinding({ lib, session, mechanisms }: Ask, algorithm: keyof typeof hmacVectors.macs): SelfTestFinding {
  const check = `known answer: ${algorithm}`
  const { hmac, generation, keyType } = hmacForm(algorithm)
  if (!can(mechanisms, hmac, pkcs11js.CKF_SIGN)) return absent(check, algorithm)
  const { key: value, data, macs, name } = hmacVectors
  const key = knownKey(lib, session, { keyType, generation, value, usage: [pkcs11js.CKA_SIGN] })
  if (key === undefined) return noKey(check)
  const answer = (): Buffer => {
    lib.C_SignInit(session, { mechanism: hmac }, key.handle)
    return lib.C_Sign(session, data, Buffer.alloc(64))
  }
  const byNode = (): Buffer =>
    createHmac(`sha${algorithm.slice(-3)}`, key.value)
      .update(data)
      .digest()
  return compared(check, against(key, name), key.published ? macs[algorithm] : byNode(), answer)
}

function ecdsaFinding({ lib, session, mechanisms }: Ask): SelfTestFinding {
  const check = 'known answer: ECDSA P-256 verification'
  if (!can(mechanisms, pkcs11js.CKM_ECDSA, pkcs11js.CKF_VERIFY)) return absent(check, 'CKM_ECDSA to verify')
  const { point, message, signature, name } = ecdsaVector
  const key = allowed(() =>
    lib.C_CreateObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
      { type: pkcs11js.CKA_TOKEN, value: false },
      { type: pkcs11js.CKA_VERIFY, value: true },
      { type: pkcs11js.CKA_EC_PARAMS, value: p256 },
      // an OCTET STRING around the point
      { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.from([0x04, point.length]), point]) },
    ]),
  )
  if (key === undefined) return noKey(check)
  const digest = createHash('sha256').update(message).digest()
  const accepts = (tried: Buffer): boolean => {
    lib.C_VerifyInit(session, { mechanism: pkcs11js.CKM_ECDSA }, key)
    return allowed(() => lib.C_Verify(session, digest, tried)) === true
  }
  const forged = Buffer.from(signature)
  forged[63] = (forged[63] ?? 0) ^ 1
  if (!accepts(signature)) return wrong(check, `it refuses the signature of ${name}`)
  if (accepts(forged)) return wrong(check, `it accepts a signature that is not the one of ${name}`)
  return ok(check, `right (${name})`)
}

const p256 = (() => {
  const form = keyForms['P-256']
  return 'parameters' in form ? form.parameters : Buffer.alloc(0)
})()

const aes = (value: Buffer) => ({ keyType: pkcs11js.CKK_AES, generation: pkcs11js.CKM_AES_KEY_GEN, value })

function hmacForm(algorithm: SecretAlgorithm) {
  const form = keyForms[algorithm]
  if (form.family !== 'hmac') throw new TypeError('not an HMAC algorithm')
  return form
}

/** What is compared with. */
const against = ({ published }: KnownKey, name: string): string =>
  published ? name : 'node:crypto, with a key of its own: it takes none from outside'

function compared(check: string, source: string, expected: Buffer, answer: () => Buffer): SelfTestFinding {
  const got = allowed(answer)
  if (got === undefined) return wrong(check, 'it lists the mechanism, and refuses to use it')
  return got.equals(expected) ? ok(check, `right (${source})`) : wrong(check, `another answer than ${source}`)
}

const wrong = (check: string, found: string): SelfTestFinding =>
  problem(check, found, {
    why: 'what it protects may not open again, or be worth nothing',
    fix: 'systemctl stop warder warder-hsm, and ask the maker of the token or of its module',
  })

const absent = (check: string, mechanism: string): SelfTestFinding =>
  notChecked(check, `the token does not offer ${mechanism}`)

const noKey = (check: string): SelfTestFinding =>
  notChecked(check, 'the token takes no key from outside, and makes none that can be read')
