import { type KeyProvider, type Op, WarderError } from '@warder/contract'
import type { KeyRecord } from './collection.ts'
import { type Keyring, requireVersion } from './keyring.ts'
import { requireLength } from './limits.ts'
import type { DataKey, Decrypted, DecryptInput, Encrypted, EncryptInput } from './model.ts'
import { oaepAlgorithm, oaepEncrypt } from './oaep.ts'
import { sha256 } from './sha256.ts'
import type { Use } from './use.ts'
import { additionalData, decodeCiphertext, decryptionFailed, encodeCiphertext } from './wire.ts'

export interface EncryptionParts {
  readonly keyring: Keyring
  readonly hsm: KeyProvider
  /** Counts one GCM encryption before it is made. @throws WarderError `use-limit-reached`. */
  countUse(key: KeyRecord, version: number, op: Op): Promise<void>
}

interface DataKeyInput {
  readonly length: number
  readonly aad?: Uint8Array | undefined
}

interface Encryption {
  readonly encrypt: Use<EncryptInput, Encrypted>
  readonly decrypt: Use<DecryptInput, Decrypted>
  readonly dataKey: Use<DataKeyInput, DataKey>
}

const nothing = new Uint8Array(0)
const isAes = (key: KeyRecord): boolean => key.algorithm === 'AES-256'

export function encryption({ keyring, hsm, countUse }: EncryptionParts): Encryption {
  async function aesEncrypt(key: KeyRecord, input: EncryptInput, op: Op): Promise<Encrypted> {
    requireAlgorithm(key, input.algorithm)
    const { number } = requireVersion(key, 'protect', input.version)
    const ref = await keyring.refToUse(key, number, op)
    const aad = additionalData(key.space, key.id, number, input.aad ?? nothing)
    await countUse(key, number, op)
    const sealed = await hsm.encrypt(ref, input.plaintext, aad, op)
    return { ciphertext: encodeCiphertext(number, sealed), algorithm: 'A256GCM', version: number }
  }

  async function rsaEncrypt(key: KeyRecord, input: EncryptInput, op: Op): Promise<Encrypted> {
    refuseAad(input.aad)
    const algorithm = await oaepAlgorithm(hsm, input.algorithm, op)
    const { number } = requireVersion(key, 'protect', input.version)
    const { spki } = await keyring.versionToUse(key, number, op)
    return {
      ciphertext: oaepEncrypt(Buffer.from(spki ?? '', 'base64'), algorithm, input.plaintext),
      algorithm,
      version: number,
    }
  }

  async function aesDecrypt(key: KeyRecord, input: DecryptInput, op: Op): Promise<Decrypted> {
    requireAlgorithm(key, input.algorithm)
    const { version, ...sealed } = decodeCiphertext(input.ciphertext)
    if (input.version !== undefined && input.version !== version) throw decryptionFailed()
    const found = key.versions.find(({ number }) => number === version)
    if (found === undefined) throw decryptionFailed()
    const { state } = requireVersion(key, 'process', version)
    const ref = await keyring.refToUse(key, version, op)
    const aad = additionalData(key.space, key.id, version, input.aad ?? nothing)
    const plaintext = await hsm.decrypt(ref, { algorithm: 'A256GCM', ...sealed, aad }, op)
    return { plaintext, version, ...(state === 'compromised' && { compromised: true as const }) }
  }

  async function rsaDecrypt(key: KeyRecord, input: DecryptInput, op: Op): Promise<Decrypted> {
    refuseAad(input.aad)
    const algorithm = await oaepAlgorithm(hsm, input.algorithm, op)
    const { number, state } = requireVersion(key, 'process', input.version)
    const ref = await keyring.refToUse(key, number, op)
    const plaintext = await hsm.decrypt(ref, { algorithm, ciphertext: input.ciphertext }, op)
    return { plaintext, version: number, ...(state === 'compromised' && { compromised: true as const }) }
  }

  return {
    encrypt: {
      action: 'key:encrypt',
      usage: 'encrypt',
      permission: 'use',
      digestOf: ({ plaintext }) => sha256(plaintext),
      async one(key, input, op) {
        requireLength('plaintext', input.plaintext)
        requireLength('aad', input.aad ?? nothing)
        return isAes(key) ? aesEncrypt(key, input, op) : rsaEncrypt(key, input, op)
      },
    },
    decrypt: {
      action: 'key:decrypt',
      usage: 'encrypt',
      permission: 'use',
      digestOf: ({ ciphertext }) => sha256(ciphertext),
      async one(key, input, op) {
        requireLength('aad', input.aad ?? nothing)
        return isAes(key) ? aesDecrypt(key, input, op) : rsaDecrypt(key, input, op)
      },
    },
    dataKey: {
      action: 'key:generateDataKey',
      usage: 'encrypt',
      permission: 'use',
      // A digest of the data key would be one more thing to protect; what was asked for is told by its length.
      digestOf: ({ length }) => Buffer.from(String(length)),
      async one(key, { length, aad }, op) {
        if (![16, 24, 32, 48, 64].includes(length)) {
          throw new WarderError('malformed-request', 'length is 16, 24, 32, 48 or 64 bytes.', {
            facts: { field: 'length' },
          })
        }
        const plaintext = await hsm.random(length, op)
        const input = { plaintext, ...(aad && { aad }) }
        const { ciphertext, version } = isAes(key) ? await aesEncrypt(key, input, op) : await rsaEncrypt(key, input, op)
        return { plaintext, ciphertext, version }
      },
    },
  }
}

function requireAlgorithm(key: KeyRecord, name: string | undefined): void {
  if (name === undefined || name === 'A256GCM') return
  const code = name.startsWith('RSA-OAEP') ? 'algorithm-mismatch' : 'unknown-algorithm'
  throw new WarderError(code, `A ${key.algorithm} key encrypts with A256GCM.`, { facts: { field: 'algorithm' } })
}

function refuseAad(aad: Uint8Array | undefined): void {
  if (aad === undefined) return
  throw new WarderError('malformed-request', 'RSA-OAEP binds no additional data.', { facts: { field: 'aad' } })
}
