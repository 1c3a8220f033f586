import {
  constants,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  randomBytes,
  verify,
  type KeyObject,
} from 'node:crypto'
import {
  signatureAlgorithms,
  type KeyAlgorithm,
  type KeyPurpose,
  type OaepAlgorithm,
  type SignatureAlgorithm,
} from '@warder/contract'
import { agree } from './agree.ts'
import { isSecret, signatureForms } from './algorithms.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { identify, sameIdentity, type Identity } from './identity.ts'
import type { Mechanisms } from './mechanisms.ts'
import { oaepDecrypt, oaepEncrypt } from './oaep.ts'
import { signInput, signWith } from './sign.ts'

/** What there is to prove with. */
export interface Means {
  readonly mechanisms: Mechanisms
  /** For keys that decrypt. */
  readonly oaep: OaepAlgorithm
}

/**
 * Whether a key on the token is the one that `identity` names: a private key does once what it is for, and node:crypto,
 * which has only the public half, has to agree. An agreement does not tell a public point from its negative. Errors of the
 * token pass.
 */
export async function isKeyOf(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  { algorithm, usage }: { readonly algorithm: KeyAlgorithm; readonly usage: KeyPurpose },
  identity: Identity,
  { mechanisms, oaep }: Means,
): Promise<boolean> {
  if (isSecret(algorithm)) return sameIdentity(identity, identify(lib, session, handle, algorithm, usage))
  if (!('spki' in identity)) return false
  if (usage === 'encrypt') {
    const secret = randomBytes(32)
    const ciphertext = oaepEncrypt(identity.spki, oaep, secret)
    return secret.equals(await oaepDecrypt(lib, session, handle, oaep, ciphertext))
  }
  const publicKey = createPublicKey({ key: Buffer.from(identity.spki), format: 'der', type: 'spki' })
  if (usage === 'derive') {
    const ours = generateKeyPairSync('ec', { namedCurve: algorithm })
    const expected = diffieHellman({ privateKey: ours.privateKey, publicKey })
    return expected.equals(await agree(lib, session, handle, algorithm, ours.publicKey))
  }
  const signature = signatureAlgorithms.find(candidate => {
    const form = signatureForms[candidate]
    return form.keys.includes(algorithm) && mechanisms.has(form.mechanism.mechanism)
  })
  if (signature === undefined) return false
  const message = randomBytes(32)
  const input = signature === 'EdDSA' ? message : hash(hashName(signature), message, 'buffer')
  const signed = await signWith(lib, session, handle, algorithm, signature, signInput(algorithm, signature, input))
  return verifies(publicKey, signature, message, signed)
}

// every hash here is named by the last digits of the algorithm
function hashName(algorithm: SignatureAlgorithm): string {
  return `sha${algorithm.slice(-3)}`
}

function verifies(key: KeyObject, algorithm: SignatureAlgorithm, message: Uint8Array, signature: Uint8Array): boolean {
  if (algorithm === 'EdDSA') return verify(null, message, key, signature)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  const options = { key, dsaEncoding: 'ieee-p1363' as const, ...(algorithm.startsWith('PS') ? pss : {}) }
  return verify(hashName(algorithm), message, options, signature)
}
