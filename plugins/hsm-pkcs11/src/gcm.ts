import pkcs11js from 'pkcs11js'
import type { Sealed } from '@warder/contract'
import {
  holding,
  inlineBytes,
  lentBytes,
  ownBytes,
  scratch,
  type Cryptoki,
  type Handle,
  type Mechanism,
} from './cryptoki.ts'
import { decryptionFailed } from './opening.ts'

const ivBytes = 12
const tagBytes = 16
/** The most plaintext of one call. */
export const maxPlaintextBytes = 65_536
/**
 * AES-256-GCM (NIST SP 800-38D). The parameters are those with ivBits: the older form leaves that field uninitialised. For
 * an Init at once: the binding reads them when it is called.
 */
export function gcm(iv: Uint8Array, aad: Uint8Array): Mechanism {
  const parameter = {
    type: pkcs11js.CK_PARAMS_AES_GCM_v240,
    iv: lentBytes(iv),
    ivBits: ivBytes * 8,
    aad: lentBytes(aad),
    tagBits: tagBytes * 8,
  }
  return { mechanism: pkcs11js.CKM_AES_GCM, parameter }
}

/** With an IV from the token's generator. */
export async function gcmEncrypt(
  lib: Cryptoki,
  session: Handle,
  key: Handle,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Promise<Sealed> {
  const iv = lib.C_GenerateRandom(session, Buffer.alloc(ivBytes))
  lib.C_EncryptInit(session, gcm(iv, aad), key)
  if (plaintext.length <= inlineBytes) {
    const ciphertext = lib.C_Encrypt(session, lentBytes(plaintext), scratch)
    return { iv: new Uint8Array(iv), ciphertext: new Uint8Array(ciphertext) }
  }
  const input = ownBytes(plaintext)
  const out = Buffer.alloc(plaintext.length + tagBytes)
  try {
    const ciphertext = await holding([input, out], lib.C_EncryptAsync(session, input, out))
    return { iv: new Uint8Array(iv), ciphertext: new Uint8Array(ciphertext) }
  } finally {
    input.fill(0)
  }
}

/** The plaintext is the caller's to wipe. @throws WarderError `decryption-failed` for what cannot be a ciphertext. */
export async function gcmDecrypt(
  lib: Cryptoki,
  session: Handle,
  key: Handle,
  { iv, ciphertext }: Sealed,
  aad: Uint8Array,
): Promise<Uint8Array> {
  const length = ciphertext.length - tagBytes
  if (iv.length !== ivBytes || length < 0 || length > maxPlaintextBytes) throw decryptionFailed()
  lib.C_DecryptInit(session, gcm(iv, aad), key)
  // room for the tag as well: SoftHSM asks for it
  const inline = length <= inlineBytes
  const out = inline ? scratch : Buffer.alloc(ciphertext.length)
  try {
    if (inline) return new Uint8Array(lib.C_Decrypt(session, lentBytes(ciphertext), out))
    const input = Buffer.from(ciphertext)
    return new Uint8Array(await holding([input, out], lib.C_DecryptAsync(session, input, out)))
  } finally {
    out.fill(0, 0, ciphertext.length)
  }
}
