import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'

/** RFC 5649 section 3. */
const alternativeInitialValue = Buffer.from('A65959A6', 'hex')

const hashes = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
} as const

/**
 * Wraps a key for import: RSAES-OAEP (RFC 8017 section 7.1) of a fresh AES-256 key, followed by AES key wrap with padding
 * (RFC 5649) of the key under it. This is CKM_RSA_AES_KEY_WRAP of PKCS#11.
 */
export function wrapForImport(
  key: Uint8Array,
  under: { readonly spki: string; readonly oaep: keyof typeof hashes },
): Uint8Array {
  const spki = createPublicKey({ key: Buffer.from(under.spki, 'base64'), format: 'der', type: 'spki' })
  const once = randomBytes(32)
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const wrappedOnce = publicEncrypt({ key: spki, padding, oaepHash: hashes[under.oaep] }, once)
    const wrap = createCipheriv('id-aes256-wrap-pad', once, alternativeInitialValue)
    return Buffer.concat([wrappedOnce, wrap.update(key), wrap.final()])
  } finally {
    once.fill(0)
  }
}
