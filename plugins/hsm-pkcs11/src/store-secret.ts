import { WarderError } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { gcm } from './gcm.ts'
import type { RootKey, RootKeys } from './root-keys.ts'

/**
 * Wire form: `01 | store key number, u32 big-endian | 12 bytes IV | ciphertext and 16 bytes tag`, AES-256-GCM
 * (NIST SP 800-38D) under `warder/store/N`, which does nothing else. The IV is random from the token.
 */
const version = 1
const ivBytes = 12
const tagBytes = 16
const secretBytes = 32
const headerBytes = 1 + 4
const sealedBytes = headerBytes + ivBytes + secretBytes + tagBytes

export function sealStoreSecret(lib: Cryptoki, session: Handle, key: RootKey, secret: Uint8Array): Uint8Array {
  const iv = lib.C_GenerateRandom(session, Buffer.alloc(ivBytes))
  const plain = Buffer.from(secret)
  try {
    lib.C_EncryptInit(session, gcm(iv, aadOf(key.number)), key.handle)
    const encrypted = lib.C_Encrypt(session, plain, Buffer.alloc(secretBytes + tagBytes))
    const header = Buffer.alloc(headerBytes)
    header.writeUInt8(version, 0)
    header.writeUInt32BE(key.number, 1)
    return new Uint8Array(Buffer.concat([header, iv, encrypted]))
  } finally {
    plain.fill(0)
  }
}

/** @throws WarderError `hsm-failed`, always alike, for anything that is not of the right form or not from these keys. */
export function openStoreSecret(lib: Cryptoki, session: Handle, keys: RootKeys, sealed: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sealed)
  if (bytes.length !== sealedBytes || bytes.readUInt8(0) !== version) throw storeSecretRejected()
  const number = bytes.readUInt32BE(1)
  const handle = keys.get(number)
  if (handle === undefined) throw storeSecretRejected()
  const iv = bytes.subarray(headerBytes, headerBytes + ivBytes)
  // room for the tag as well: SoftHSM asks for it
  const out = Buffer.alloc(secretBytes + tagBytes)
  try {
    lib.C_DecryptInit(session, gcm(iv, aadOf(number)), handle)
    const secret = lib.C_Decrypt(session, bytes.subarray(headerBytes + ivBytes), out)
    if (secret.length !== secretBytes) throw storeSecretRejected()
    return new Uint8Array(secret)
  } finally {
    out.fill(0)
  }
}

export function isStoreSecret(secret: Uint8Array): boolean {
  return secret instanceof Uint8Array && secret.length === secretBytes
}

export function storeSecretRejected(cause?: unknown): WarderError {
  return new WarderError('hsm-failed', 'the sealed store secret was not made by this token', {
    facts: { reason: 'store-secret-rejected' },
    cause,
  })
}

function aadOf(number: number): Buffer {
  return Buffer.from(`warder store secret v1 warder/store/${number}`)
}
