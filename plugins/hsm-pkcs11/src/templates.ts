import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, KeyPurpose } from '@warder/contract'
import { isSecret, keyForms, type PairAlgorithm } from './algorithms.ts'
import type { Template } from './cryptoki.ts'
import { grantsOf } from './purposes.ts'

/**
 * Every attribute this plugin sets on a key that is kept, in one place. Usage flags that are not wanted are set to false:
 * modules differ in what they assume. CKA_MODIFIABLE is false on what stays, so that a flag cannot be turned on later; it
 * comes last, because SoftHSM takes nothing more for an object once it has read that.
 *
 * - `kek` wraps sealed keys, `export-kek` those that may be exported, `import-kek` those that unwrap what others bring:
 *   a blob of one kind cannot be opened as another, whatever the caller says of it.
 * - `store` encrypts the store secret.
 */
export const wrappingPurposes = ['import-kek', 'export-kek', 'kek'] as const
export type WrappingPurpose = (typeof wrappingPurposes)[number]
export type RootPurpose = WrappingPurpose | 'store'

export function rootLabel(purpose: RootPurpose, number: number): string {
  return `warder/${purpose}/${number}`
}

export function tenantLabel(id: string): string {
  return `tenant/${id}`
}

const fixed = { type: pkcs11js.CKA_MODIFIABLE, value: false }

/** AES-256 token key, for one purpose and for nothing else. */
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
    ...usage(rootUsages(purpose), secretUsages),
    fixed,
  ]
}

/** A root key as a session object that can be wrapped, to be made one that stays (see {@link settled}) and destroyed. */
export function passingRootKey(purpose: WrappingPurpose): Template {
  return [...sessionAes, ...usage(rootUsages(purpose), secretUsages), ...extractable(true)]
}

/** What is added to have one made here rather than unwrapped. */
export const rootKeyLength = { type: pkcs11js.CKA_VALUE_LEN, value: 32 }

/** What a copy of a passing root key has in its own way, to be one that stays. */
export function settled(purpose: WrappingPurpose, number: number, id: Buffer): Template {
  return [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: rootLabel(purpose, number) },
    { type: pkcs11js.CKA_ID, value: id },
    ...extractable(false),
    fixed,
  ]
}

/** What says that a generation of root keys is not yet on every token: an AES key that can do nothing. See `pending.ts`. */
export function pendingMarker(number: number, id: Buffer): Template {
  return [
    ...classOf('AES-256'),
    ...length('AES-256'),
    { type: pkcs11js.CKA_LABEL, value: `warder/pending/${number}` },
    { type: pkcs11js.CKA_ID, value: id },
    { type: pkcs11js.CKA_TOKEN, value: true },
    ...sensitive('AES-256'),
    ...usage([], secretUsages),
    ...extractable(false),
    fixed,
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

export function rootUsages(purpose: RootPurpose): readonly number[] {
  return purpose === 'store' ? [pkcs11js.CKA_ENCRYPT, pkcs11js.CKA_DECRYPT] : [pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP]
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

/** The usage flags that a key of this algorithm has, set or not. */
export function usageFlags(algorithm: KeyAlgorithm): readonly number[] {
  return isSecret(algorithm) ? secretUsages : privateUsages
}

interface PairTemplates {
  readonly public: Template
  readonly private: Template
}

/** A tenant's key pair on the token, for good. */
export function residentPair(algorithm: PairAlgorithm, purpose: KeyPurpose, id: string): PairTemplates {
  return {
    public: [...resident(id), ...shape(algorithm), ...publicHalf(algorithm, purpose), fixed],
    private: [...resident(id), ...keptHalf(algorithm, purpose), ...extractable(false), fixed],
  }
}

/** A tenant's secret key on the token, for good. */
export function residentSecret(algorithm: KeyAlgorithm, purpose: KeyPurpose, id: string): Template {
  return [...resident(id), ...length(algorithm), ...keptHalf(algorithm, purpose), ...extractable(false), fixed]
}

/** A key pair that is about to be wrapped out and destroyed: extractable, because only such a key can be wrapped. */
export function departingPair(algorithm: PairAlgorithm, purpose: KeyPurpose): PairTemplates {
  return {
    public: [...session, ...shape(algorithm), ...publicHalf(algorithm, purpose)],
    private: [...session, ...keptHalf(algorithm, purpose), ...extractable(true)],
  }
}

export function departingSecret(algorithm: KeyAlgorithm, purpose: KeyPurpose): Template {
  return [...session, ...length(algorithm), ...keptHalf(algorithm, purpose), ...extractable(true)]
}

/** A key unwrapped to be used. CKA_VALUE_LEN must not be named when unwrapping. */
export function unwrappedKey(algorithm: KeyAlgorithm, purpose: KeyPurpose): Template {
  return [...classOf(algorithm), ...session, ...keptHalf(algorithm, purpose), ...extractable(false)]
}

/** A key unwrapped to be checked, then wrapped again and destroyed. */
export function passingKey(algorithm: KeyAlgorithm, purpose: KeyPurpose): Template {
  return [...classOf(algorithm), ...session, ...keptHalf(algorithm, purpose), ...extractable(true)]
}

/** A key unwrapped to be wrapped at once under another key: it can do nothing itself. */
export function transitKey(algorithm: KeyAlgorithm): Template {
  const flags = usage([], usageFlags(algorithm))
  return [...classOf(algorithm), ...session, ...sensitive(algorithm), ...flags, ...extractable(true)]
}

/** An imported key unwrapped onto the token, for good. */
export function residentImport(algorithm: KeyAlgorithm, purpose: KeyPurpose, id: string): Template {
  const form = keyForms[algorithm]
  // an unwrapped key has no length that could be read, so its type has to tell it
  const kept = keptHalf(algorithm, purpose, form.family === 'hmac' ? form.ownType : form.keyType)
  return [...classOf(algorithm), ...resident(id), ...kept, ...extractable(false), fixed]
}

/** The public half beside an imported private key, made from its parts. */
export function residentPublic(algorithm: PairAlgorithm, purpose: KeyPurpose, id: string, parts: Template): Template {
  const objectClass = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY }
  return [objectClass, ...resident(id), ...parts, ...publicHalf(algorithm, purpose), fixed]
}

const session = [{ type: pkcs11js.CKA_TOKEN, value: false }]

const sessionAes: Template = [...classOf('AES-256'), ...session, ...sensitive('AES-256')]

/** The AES key that comes with an import, and unwraps the key that comes with it. */
export const carrierKey: Template = [
  ...sessionAes,
  ...usage([pkcs11js.CKA_UNWRAP], secretUsages),
  ...extractable(false),
]

/** An AES key that takes one key out and back in again, and then is gone. */
export const passingCarrier: Template = [
  ...sessionAes,
  ...length('AES-256'),
  ...usage([pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP], secretUsages),
  ...extractable(false),
]

/** An AES key whose bytes come from outside, and which unwraps one other. */
export function givenCarrier(bytes: Buffer): Template {
  return [...carrierKey, { type: pkcs11js.CKA_VALUE, value: bytes }]
}

/** The private key of somebody whom keys were wrapped to. */
export const unwrappingPrivateKey: Template = [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
  ...session,
  ...sensitive('RSA-4096'),
  ...usage([pkcs11js.CKA_UNWRAP], privateUsages),
  ...extractable(false),
]

/** A key pair that takes one token's root keys to another, which makes it for that and keeps it no longer. */
export const receivingPair: PairTemplates = {
  public: [
    ...session,
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    ...shape('RSA-3072'),
    ...usage([], publicUsages),
  ],
  private: [
    ...session,
    ...sensitive('RSA-3072'),
    ...usage([pkcs11js.CKA_UNWRAP], privateUsages),
    ...extractable(false),
  ],
}

/** The AES key that goes with an export. */
export const exportingKey: Template = [
  ...sessionAes,
  ...length('AES-256'),
  ...usage([pkcs11js.CKA_WRAP], secretUsages),
  ...extractable(true),
]

/** An RSA key, to be completed by its parts. */
export const recipientKey: Template = [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
  { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
  ...session,
  { type: pkcs11js.CKA_PRIVATE, value: false },
  ...usage([pkcs11js.CKA_WRAP], publicUsages),
]

function resident(id: string): Template {
  return [
    { type: pkcs11js.CKA_LABEL, value: tenantLabel(id) },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
    { type: pkcs11js.CKA_TOKEN, value: true },
  ]
}

function classOf(algorithm: KeyAlgorithm): Template {
  const value = isSecret(algorithm) ? pkcs11js.CKO_SECRET_KEY : pkcs11js.CKO_PRIVATE_KEY
  return [{ type: pkcs11js.CKA_CLASS, value }]
}

function shape(algorithm: PairAlgorithm): Template {
  const form = keyForms[algorithm]
  if (form.family !== 'rsa') return [{ type: pkcs11js.CKA_EC_PARAMS, value: form.parameters }]
  return [
    { type: pkcs11js.CKA_MODULUS_BITS, value: form.bits },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
  ]
}

function length(algorithm: KeyAlgorithm): Template {
  return [{ type: pkcs11js.CKA_VALUE_LEN, value: keyForms[algorithm].bits / 8 }]
}

function publicHalf(algorithm: PairAlgorithm, purpose: KeyPurpose): Template {
  return [
    { type: pkcs11js.CKA_KEY_TYPE, value: keyForms[algorithm].keyType },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    ...usage(grantsOf(algorithm, purpose).public, publicUsages),
  ]
}

function keptHalf(algorithm: KeyAlgorithm, purpose: KeyPurpose, keyType = keyForms[algorithm].keyType): Template {
  return [...sensitive(algorithm, keyType), ...usage(grantsOf(algorithm, purpose).key, usageFlags(algorithm))]
}

function sensitive(algorithm: KeyAlgorithm, keyType = keyForms[algorithm].keyType): Template {
  return [
    { type: pkcs11js.CKA_KEY_TYPE, value: keyType },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
  ]
}

function extractable(value: boolean): Template {
  return [{ type: pkcs11js.CKA_EXTRACTABLE, value }]
}

function usage(granted: readonly number[], all: readonly number[]): Template {
  return all.map(type => ({ type, value: granted.includes(type) }))
}
