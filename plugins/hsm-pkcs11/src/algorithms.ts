import pkcs11js from 'pkcs11js'
import type { KeyAlgorithm, SignatureAlgorithm } from '@warder/contract'
import { CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, type Mechanism } from './cryptoki.ts'

interface Form {
  readonly keyType: number
  readonly generation: number
  readonly bits: number
  /** The mechanisms that sign with such a key; one suffices. */
  readonly signing: readonly number[]
  /** Signing takes 0.2 ms or less: cheaper inline than on a worker thread. */
  readonly fast: boolean
}

type PairForm = Form &
  (
    | { readonly family: 'ec'; readonly parameters: Buffer; readonly coordinate: number }
    /** `curveName`: the same parameters in the other form that PKCS#11 v3.0 has for them. */
    | { readonly family: 'edwards'; readonly parameters: Buffer; readonly curveName: Buffer }
    | { readonly family: 'rsa' }
  )

/** Secret keys. `bytes` is the one length they have here. */
type SecretForm = Omit<Form, 'signing' | 'fast'> &
  (
    | { readonly family: 'aes'; readonly bytes: number }
    /** `ownType`: the key type that names the hash, for keys whose length the token does not tell. */
    | { readonly family: 'hmac'; readonly bytes: number; readonly hmac: number; readonly ownType: number }
  )

/** How PKCS#11 sees each key algorithm. */
export type KeyForm = PairForm | SecretForm

export type PairAlgorithm = Exclude<KeyAlgorithm, SecretAlgorithm>
export type SecretAlgorithm = Extract<KeyAlgorithm, 'AES-256' | `HMAC-${string}`>

function ec(bits: number, oid: string): PairForm {
  return {
    family: 'ec',
    keyType: pkcs11js.CKK_EC,
    generation: pkcs11js.CKM_EC_KEY_PAIR_GEN,
    signing: [pkcs11js.CKM_ECDSA],
    bits,
    fast: bits === 256,
    parameters: Buffer.from(oid, 'hex'),
    coordinate: Math.ceil(bits / 8),
  }
}

function rsa(bits: number): PairForm {
  return {
    family: 'rsa',
    keyType: pkcs11js.CKK_RSA,
    generation: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN,
    signing: [pkcs11js.CKM_RSA_PKCS_PSS, pkcs11js.CKM_RSA_PKCS],
    bits,
    fast: false,
  }
}

function hmac(bits: number, mechanism: number, ownType: number): SecretForm {
  return {
    family: 'hmac',
    keyType: pkcs11js.CKK_GENERIC_SECRET,
    generation: pkcs11js.CKM_GENERIC_SECRET_KEY_GEN,
    bits,
    bytes: bits / 8,
    hmac: mechanism,
    ownType,
  }
}

/** EC parameters are the DER of the curve's object identifier (SEC 2, RFC 8410). */
export const keyForms: Readonly<Record<PairAlgorithm, PairForm> & Record<SecretAlgorithm, SecretForm>> = {
  'P-256': ec(256, '06082a8648ce3d030107'),
  'P-384': ec(384, '06052b81040022'),
  'P-521': ec(521, '06052b81040023'),
  'RSA-2048': rsa(2048),
  'RSA-3072': rsa(3072),
  'RSA-4096': rsa(4096),
  Ed25519: {
    family: 'edwards',
    keyType: CKK_EC_EDWARDS,
    generation: CKM_EC_EDWARDS_KEY_PAIR_GEN,
    signing: [CKM_EDDSA],
    bits: 256,
    fast: true,
    parameters: Buffer.from('06032b6570', 'hex'),
    curveName: Buffer.concat([Buffer.from([0x13, 12]), Buffer.from('edwards25519')]),
  },
  'AES-256': {
    family: 'aes',
    keyType: pkcs11js.CKK_AES,
    generation: pkcs11js.CKM_AES_KEY_GEN,
    bits: 256,
    bytes: 32,
  },
  'HMAC-SHA-256': hmac(256, pkcs11js.CKM_SHA256_HMAC, pkcs11js.CKK_SHA256_HMAC),
  'HMAC-SHA-384': hmac(384, pkcs11js.CKM_SHA384_HMAC, pkcs11js.CKK_SHA384_HMAC),
  'HMAC-SHA-512': hmac(512, pkcs11js.CKM_SHA512_HMAC, pkcs11js.CKK_SHA512_HMAC),
}

/** Whether CKA_EC_PARAMS, in whichever form a token gives it, names the curve of this algorithm. */
export function isCurve(form: KeyForm, parameters: Buffer): boolean {
  if (form.family === 'ec') return parameters.equals(form.parameters)
  // SoftHSM gives the private half the name, though both halves were made with the object identifier
  return form.family === 'edwards' && [form.parameters, form.curveName].some(known => parameters.equals(known))
}

export function isSecret(algorithm: KeyAlgorithm): algorithm is SecretAlgorithm {
  return 'bytes' in keyForms[algorithm]
}

/** The longest signature of any key here: RSA-4096. */
export const maxSignatureBytes = 512

export interface SignatureForm {
  readonly mechanism: Mechanism
  readonly keys: readonly KeyAlgorithm[]
  /** Bytes of the digest that is the input; absent where the input is the message. */
  readonly digestBytes?: number
  /** DER of DigestInfo (RFC 8017 section 9.2) up to the digest, where the mechanism wants it in front. */
  readonly prefix?: Buffer
}

const rsaKeys = ['RSA-2048', 'RSA-3072', 'RSA-4096'] as const

function ecdsa(key: KeyAlgorithm, digestBytes: number): SignatureForm {
  return { mechanism: { mechanism: pkcs11js.CKM_ECDSA }, keys: [key], digestBytes }
}

// salt as long as the hash, MGF1 with the same hash (RFC 7518 section 3.5)
function pss(hashAlg: number, mgf: number, digestBytes: number): SignatureForm {
  const parameter = { type: pkcs11js.CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen: digestBytes }
  return { mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter }, keys: rsaKeys, digestBytes }
}

function pkcs1(prefix: string, digestBytes: number): SignatureForm {
  return {
    mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS },
    keys: rsaKeys,
    digestBytes,
    prefix: Buffer.from(prefix, 'hex'),
  }
}

export const signatureForms: Readonly<Record<SignatureAlgorithm, SignatureForm>> = {
  ES256: ecdsa('P-256', 32),
  ES384: ecdsa('P-384', 48),
  ES512: ecdsa('P-521', 64),
  PS256: pss(pkcs11js.CKM_SHA256, pkcs11js.CKG_MGF1_SHA256, 32),
  PS384: pss(pkcs11js.CKM_SHA384, pkcs11js.CKG_MGF1_SHA384, 48),
  PS512: pss(pkcs11js.CKM_SHA512, pkcs11js.CKG_MGF1_SHA512, 64),
  RS256: pkcs1('3031300d060960864801650304020105000420', 32),
  RS384: pkcs1('3041300d060960864801650304020205000430', 48),
  RS512: pkcs1('3051300d060960864801650304020305000440', 64),
  EdDSA: { mechanism: { mechanism: CKM_EDDSA }, keys: ['Ed25519'] },
}
