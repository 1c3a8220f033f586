import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import type { Template } from './cryptoki.ts'

/**
 * Every attribute this plugin sets, in one place. Usage flags that are not wanted are set to false: modules differ in
 * what they assume. CKA_MODIFIABLE is false on what stays, so that a flag cannot be turned on later.
 */
export type RootPurpose = 'kek' | 'store'

export function rootLabel(purpose: RootPurpose, number: number): string {
  return `warder/${purpose}/${number}`
}

export function tenantLabel(id: string): string {
  return `tenant/${id}`
}

/** AES-256 token key, for wrapping sealed keys (`kek`) or for the store secret (`store`), and for nothing else. */
export function rootKeyTemplate(purpose: RootPurpose, number: number, id: Buffer): Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
    { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
    { type: pkcs11js.CKA_LABEL, value: rootLabel(purpose, number) },
    { type: pkcs11js.CKA_ID, value: id },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
    { type: pkcs11js.CKA_MODIFIABLE, value: false },
    ...usage(rootUsages[purpose], secretUsages),
  ]
}

export const secretUsages = [
  pkcs11js.CKA_ENCRYPT,
  pkcs11js.CKA_DECRYPT,
  pkcs11js.CKA_WRAP,
  pkcs11js.CKA_UNWRAP,
  pkcs11js.CKA_SIGN,
  pkcs11js.CKA_VERIFY,
  pkcs11js.CKA_DERIVE,
] as const

export const rootUsages: Readonly<Record<RootPurpose, readonly number[]>> = {
  kek: [pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP],
  store: [pkcs11js.CKA_ENCRYPT, pkcs11js.CKA_DECRYPT],
}

const privateUsages = [
  pkcs11js.CKA_SIGN,
  pkcs11js.CKA_SIGN_RECOVER,
  pkcs11js.CKA_DECRYPT,
  pkcs11js.CKA_UNWRAP,
  pkcs11js.CKA_DERIVE,
] as const

const publicUsages = [
  pkcs11js.CKA_VERIFY,
  pkcs11js.CKA_VERIFY_RECOVER,
  pkcs11js.CKA_ENCRYPT,
  pkcs11js.CKA_WRAP,
  pkcs11js.CKA_DERIVE,
] as const

/** A tenant's key pair on the token, for good. */
export function residentPair(
  algorithm: KeyAlgorithm,
  id: string,
): { readonly public: Template; readonly private: Template } {
  const name: Template = [
    { type: pkcs11js.CKA_LABEL, value: tenantLabel(id) },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_MODIFIABLE, value: false },
  ]
  return {
    public: [...name, ...publicHalf(algorithm)],
    private: [...name, ...privateHalf(algorithm), { type: pkcs11js.CKA_EXTRACTABLE, value: false }],
  }
}

/** A key pair that is about to be wrapped out and destroyed: extractable, because only such a key can be wrapped. */
export function departingPair(algorithm: KeyAlgorithm): { readonly public: Template; readonly private: Template } {
  const session = { type: pkcs11js.CKA_TOKEN, value: false }
  return {
    public: [session, ...publicHalf(algorithm)],
    private: [session, ...privateHalf(algorithm), { type: pkcs11js.CKA_EXTRACTABLE, value: true }],
  }
}

/** A sealed key, unwrapped to sign. CKA_VALUE_LEN must not be named here. */
export function unwrappedKey(algorithm: KeyAlgorithm): Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_TOKEN, value: false },
    ...privateHalf(algorithm),
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
  ]
}

function publicHalf(algorithm: KeyAlgorithm): Template {
  const form = keyForms[algorithm]
  const shape: Template =
    form.family === 'rsa'
      ? [
          { type: pkcs11js.CKA_MODULUS_BITS, value: form.bits },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
        ]
      : [{ type: pkcs11js.CKA_EC_PARAMS, value: form.parameters }]
  return [
    { type: pkcs11js.CKA_KEY_TYPE, value: form.keyType },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    ...shape,
    ...usage([pkcs11js.CKA_VERIFY], publicUsages),
  ]
}

function privateHalf(algorithm: KeyAlgorithm): Template {
  return [
    { type: pkcs11js.CKA_KEY_TYPE, value: keyForms[algorithm].keyType },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    ...usage([pkcs11js.CKA_SIGN], privateUsages),
  ]
}

function usage(granted: readonly number[], all: readonly number[]): Template {
  return all.map(type => ({ type, value: granted.includes(type) }))
}
