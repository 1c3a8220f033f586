import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { WarderError } from '@warder/contract'

/**
 * What a record's body looks like in storage:
 *
 *     01 | store key u32 | revision u64 | salt (32) | ciphertext | GCM tag (16) | HMAC-SHA-256 (32)
 *
 * - The AES-256-GCM key and IV come from HKDF-SHA-256 (RFC 5869) over the store's encryption key and the salt. The salt is
 *   256 random bits and new for every write, so no nonce can repeat under a key: not across nodes, restarts or restores.
 * - GCM's AAD and the HMAC both cover collection, id and revision, each with its length, so that no sealed body can stand
 *   in for another record or for another revision of its own. The HMAC has a key of its own and is checked first.
 */
const format = 1
const headerLength = 1 + 4 + 8
const saltLength = 32
const tagLength = 16
const macLength = 32
const overhead = headerLength + saltLength + tagLength + macLength

export interface SealingKeys {
  /** Numbers the store secret these keys came from. */
  readonly generation: number
  readonly encryption: Uint8Array
  readonly mac: Uint8Array
}

export interface RecordAddress {
  readonly collection: string
  readonly id: string
  readonly revision: number
}

/** Seals `plaintext` as the body of the record at this address. */
export function seal(keys: SealingKeys, address: RecordAddress, plaintext: Uint8Array): Uint8Array {
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(format, 0)
  header.writeUInt32BE(keys.generation, 1)
  header.writeBigUInt64BE(BigInt(address.revision), 5)
  const salt = randomBytes(saltLength)
  const context = encodeAddress(address)
  const { key, iv } = subkey(keys.encryption, salt)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.concat([header, context]))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  key.fill(0)
  const sealed = Buffer.concat([header, salt, ciphertext, cipher.getAuthTag()])
  return Buffer.concat([sealed, authenticate(keys.mac, context, sealed)])
}

/**
 * Opens a body found at this address.
 * @throws WarderError `record-corrupt`, facts naming the record and the field, for anything but what {@link seal} made.
 */
export function unseal(keys: SealingKeys, address: RecordAddress, body: Uint8Array): Buffer {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (bytes.length < overhead || bytes[0] !== format || bytes.readUInt32BE(1) !== keys.generation) {
    throw corrupt(address, 'body')
  }
  // The sealed revision is checked as part of the body first: a wrong copy beside it is then named as what it is.
  const sealedRevision = Number(bytes.readBigUInt64BE(5))
  const context = encodeAddress({ ...address, revision: sealedRevision })
  const sealed = bytes.subarray(0, -macLength)
  if (!timingSafeEqual(authenticate(keys.mac, context, sealed), bytes.subarray(-macLength))) {
    throw corrupt(address, 'body')
  }
  if (sealedRevision !== address.revision) throw corrupt(address, 'revision')

  const salt = bytes.subarray(headerLength, headerLength + saltLength)
  const { key, iv } = subkey(keys.encryption, salt)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, iv)
    decipher.setAAD(Buffer.concat([bytes.subarray(0, headerLength), context]))
    decipher.setAuthTag(sealed.subarray(-tagLength))
    const ciphertext = sealed.subarray(headerLength + saltLength, -tagLength)
    return Buffer.concat([decipher.update(ciphertext), decipher.final()])
  } catch (cause) {
    throw corrupt(address, 'body', cause)
  } finally {
    key.fill(0)
  }
}

/** SHA-256 of a sealed body, lower-case hex: what the journal commits to. */
export const digestOf = (body: Uint8Array): string => hash('sha256', body, 'hex')

export function corrupt(address: { collection: string; id: string }, field: string, cause?: unknown): WarderError {
  return new WarderError(
    'record-corrupt',
    `The stored record ${address.collection}/${address.id} was changed outside Warder (${field}).`,
    {
      facts: { collection: address.collection, id: address.id, field },
      cause,
    },
  )
}

function subkey(encryption: Uint8Array, salt: Uint8Array): { key: Buffer; iv: Buffer } {
  const material = Buffer.from(hkdfSync('sha256', encryption, salt, 'warder/record/1', 44))
  return { key: material.subarray(0, 32), iv: material.subarray(32) }
}

function authenticate(macKey: Uint8Array, context: Uint8Array, sealed: Uint8Array): Buffer {
  return createHmac('sha256', macKey).update(context).update(sealed).digest()
}

function encodeAddress({ collection, id, revision }: RecordAddress): Buffer {
  const collectionBytes = Buffer.from(collection)
  const idBytes = Buffer.from(id)
  const encoded = Buffer.alloc(4 + collectionBytes.length + 4 + idBytes.length + 8)
  let at = encoded.writeUInt32BE(collectionBytes.length, 0)
  at += collectionBytes.copy(encoded, at)
  at = encoded.writeUInt32BE(idBytes.length, at)
  at += idBytes.copy(encoded, at)
  encoded.writeBigUInt64BE(BigInt(revision), at)
  return encoded
}
