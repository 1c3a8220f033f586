import pkcs11js from 'pkcs11js'
import type { Sealed } from '@warder/contract'
import { holding, ownBytes, type Cryptoki, type Handle, type Mechanism } from './cryptoki.ts'
import { decryptionFailed } from './opening.ts'

const ivBytes = 12
const tagBytes = 16
/** The most plaintext of one call. */
export const maxPlaintextBytes = 65_536
/** Up to here an operation takes less than a worker thread would cost. */
export const inlineBytes = 4096

/** AES-256-GCM (NIST SP 800-38D). The parameters are those with ivBits: the older form leaves that field uninitialised. */
export function gcm(iv: Uint8Array, aad: Uint8Array): Mechanism {
  const parameter = {
    type: pkcs11js.CK_PARAMS_AES_GCM_v240,
    iv: Buffer.from(iv),
    ivBits: ivBytes * 8,
    aad: ownBytes(aad),
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
  const input = ownBytes(plaintext)
  const out = Buffer.alloc(plaintext.length + tagBytes)
  try {
    lib.C_EncryptInit(session, gcm(iv, aad), key)
    const ciphertext =
      input.length <= inlineBytes
        ? lib.C_Encrypt(session, input, out)
        : await holding([input, out], lib.C_EncryptAsync(session, input, out))
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
  const input = Buffer.from(ciphertext)
  // room for the tag as well: SoftHSM asks for it
  const out = Buffer.alloc(ciphertext.length)
  try {
    lib.C_DecryptInit(session, gcm(iv, aad), key)
    const plaintext =
      length <= inlineBytes
        ? lib.C_Decrypt(session, input, out)
        : await holding([input, out], lib.C_DecryptAsync(session, input, out))
    return new Uint8Array(plaintext)
  } finally {
    out.fill(0)
  }
}
