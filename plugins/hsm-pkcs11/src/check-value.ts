import pkcs11js from 'pkcs11js'
import type { KeyPurpose } from '@warder/contract'
import { keyForms, type SecretAlgorithm } from './algorithms.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { bytesAsKey, keyWrapPad } from './wrapping.ts'

const checkValueBytes = 8
const label = Buffer.from('warder/check-value')
/**
 * One block. Not of zeros, as is usual: what AES makes of those is the secret that GCM authenticates with (NIST SP 800-38D,
 * section 7.1), and check values are shown. As a counter block it would need the IV `warder/check` among 2^96.
 */
export const checkBlock = Buffer.from('warder/check-val')

/**
 * Names a secret key by what it does, without telling anything of it. The key's own purpose is all that may be asked of it,
 * so a wrapping key, which cannot encrypt, is named by how it wraps 8 zero bytes: no framed input of a caller is that.
 */
export function checkValueOf(
  lib: Cryptoki,
  session: Handle,
  key: Handle,
  algorithm: SecretAlgorithm,
  usage: KeyPurpose,
): Uint8Array {
  const form = keyForms[algorithm]
  const out = Buffer.alloc(64)
  if (form.family === 'hmac') {
    lib.C_SignInit(session, { mechanism: form.hmac }, key)
    return start(lib.C_Sign(session, label, out))
  }
  if (usage === 'wrap') {
    const zeros = bytesAsKey(lib, session, Buffer.alloc(8))
    const wrapped = lib.C_WrapKey(session, keyWrapPad, key, zeros, out)
    lib.C_DestroyObject(session, zeros)
    return start(wrapped)
  }
  lib.C_EncryptInit(session, { mechanism: pkcs11js.CKM_AES_ECB }, key)
  return start(lib.C_Encrypt(session, checkBlock, out))
}

function start(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.subarray(0, checkValueBytes))
}
