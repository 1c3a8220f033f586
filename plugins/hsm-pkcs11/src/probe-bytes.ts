import { randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { WarderError, type Op } from '@warder/contract'
import { ckrOf, meaningOf } from './ckr.ts'
import type { Cryptoki } from './cryptoki.ts'
import { canWrap, type Mechanisms } from './mechanisms.ts'
import type { SessionPool } from './session-pool.ts'
import { departingSecret } from './templates.ts'
import { maxBytes, unwrapBytes, wrapBytes } from './wrap-bytes.ts'

/**
 * Whether as many bytes of a caller as may be wrapped go out and come back, with a key made for this. Tokens that wrap keys
 * may take no secret as long as that: NSS unwraps 256 bytes and no more.
 */
export async function wrapsBytes(lib: Cryptoki, pool: SessionPool, mechanisms: Mechanisms, op: Op): Promise<boolean> {
  if (!canWrap(mechanisms)) return false
  const bytes = randomBytes(maxBytes)
  try {
    return await pool.withSession(op, async session => {
      const key = lib.C_GenerateKey(
        session,
        { mechanism: pkcs11js.CKM_AES_KEY_GEN },
        departingSecret('AES-256', 'wrap'),
      )
      const unwrapped = await unwrapBytes(lib, session, key, await wrapBytes(lib, session, key, bytes))
      lib.C_DestroyObject(session, key)
      return bytes.equals(unwrapped)
    })
  } catch (error) {
    // a token that is gone fails the probe; any other refusal is its answer
    const ckr = ckrOf(error)
    const refused = ckr === undefined ? WarderError.is(error, 'decryption-failed') : meaningOf(ckr) !== 'gone'
    if (!refused) throw error
    return false
  }
}
