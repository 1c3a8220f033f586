import { constants, createDecipheriv, generateKeyPair, privateDecrypt, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import pkcs11js from 'pkcs11js'
import { WarderError, type OaepAlgorithm } from '@warder/contract'
import { ckrOf, meaningOf } from './ckr.ts'
import { mechanismName, type Cryptoki, type Handle } from './cryptoki.ts'
import { exportTo } from './export-key.ts'
import { oaepForms } from './oaep.ts'
import { discard } from './objects.ts'
import { exportingKey } from './templates.ts'

/** What keys are wrapped to a recipient with, the better first. */
const preferred: readonly OaepAlgorithm[] = ['RSA-OAEP-256', 'RSA-OAEP']

/** RFC 5649 section 3. */
const alternativeIv = Buffer.from('a65959a6', 'hex')

/**
 * The best OAEP that this token wraps keys with, in truth: a key made up here is wrapped to a key pair made up here, and
 * node:crypto has to open it. A copy of a root key is looked at again only when the token is gone; it must not turn out then
 * to be something else than its label says.
 * @throws WarderError `unsupported-mechanism` when there is none.
 */
export async function chooseOaep(lib: Cryptoki, session: Handle): Promise<OaepAlgorithm> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const sample = lib.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, exportingKey)
  try {
    for (const oaep of preferred) {
      try {
        if (opens(privateKey, oaep, await exportTo(lib, session, sample, publicKey, oaep))) return oaep
      } catch (error) {
        // a token that is gone fails the choice; any other refusal is its answer
        const ckr = ckrOf(error)
        if (ckr === undefined || meaningOf(ckr) === 'gone') throw error
      }
    }
  } finally {
    discard(lib, session, [sample])
  }
  const mechanism = mechanismName(pkcs11js.CKM_RSA_PKCS_OAEP)
  throw new WarderError('unsupported-mechanism', `this token wraps no key to a recipient: ${mechanism}`, {
    facts: { mechanism, field: 'backupRecipient' },
  })
}

function opens(key: KeyObject, oaep: OaepAlgorithm, exported: Uint8Array): boolean {
  const { hash } = oaepForms[oaep]
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const carrier = privateDecrypt({ key, padding, oaepHash: hash }, exported.subarray(0, 256))
    const decipher = createDecipheriv('id-aes256-wrap-pad', carrier, alternativeIv)
    return Buffer.concat([decipher.update(exported.subarray(256)), decipher.final()]).length === 32
  } catch {
    return false
  }
}
