import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { type KeyProvider, type OaepAlgorithm, oaepAlgorithms, type Op, WarderError } from '@warder/contract'

const hashes: Readonly<Record<OaepAlgorithm, string>> = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
}

/** SHA-1 last: it is no weakness in OAEP, and the only hash that some tokens offer. */
const preference = ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512', 'RSA-OAEP'] as const

/**
 * The OAEP variant named, or the first the token can open.
 * @throws WarderError `unknown-algorithm`, or `unsupported-mechanism` when the token cannot open it.
 */
export async function oaepAlgorithm(hsm: KeyProvider, name: string | undefined, op: Op): Promise<OaepAlgorithm> {
  const { encrypt } = await hsm.capabilities(op)
  if (name !== undefined && !oaepAlgorithms.some(known => known === name)) {
    throw new WarderError(
      'unknown-algorithm',
      `Unknown encryption algorithm; RSA keys have ${oaepAlgorithms.join(', ')}.`,
      {
        facts: { field: 'algorithm' },
      },
    )
  }
  const found = preference.find(algorithm => (name === undefined || algorithm === name) && encrypt.includes(algorithm))
  if (found !== undefined) return found
  const message = 'This token cannot open that OAEP variant.'
  throw new WarderError('unsupported-mechanism', message, {
    facts: { mechanism: 'CKM_RSA_PKCS_OAEP', algorithm: name ?? 'RSA-OAEP' },
  })
}

/** Encrypts in this process: it takes the public key alone. @throws WarderError `malformed-request` when it is too long. */
export function oaepEncrypt(spki: Uint8Array, algorithm: OaepAlgorithm, plaintext: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  try {
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashes[algorithm] }, plaintext)
  } catch (cause) {
    throw new WarderError(
      'malformed-request',
      `plaintext is too long for this key with ${algorithm}; use a data key.`,
      {
        facts: { field: 'plaintext' },
        cause,
      },
    )
  }
}
