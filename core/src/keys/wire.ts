import { type Sealed, WarderError } from '@warder/contract'

/**
 * What callers hold of an AES key's work: `01 | version u32be | …`, where `…` is `iv (12) | ciphertext | tag (16)` for
 * encryption and the RFC 5649 blob for wrapping. The version travels with it, so that nobody has to remember it.
 */
const format = 1
const headerLength = 5
const ivLength = 12
const tagLength = 16

export function encodeCiphertext(version: number, { iv, ciphertext }: Sealed): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerLength + iv.length + ciphertext.length)
  const at = writeHeader(bytes, version)
  bytes.set(iv, at)
  bytes.set(ciphertext, at + iv.length)
  return bytes
}

/** @throws WarderError `decryption-failed`. */
export function decodeCiphertext(bytes: Uint8Array): Sealed & { version: number } {
  const version = readHeader(bytes)
  if (bytes.length < headerLength + ivLength + tagLength) throw decryptionFailed()
  const at = headerLength + ivLength
  return { version, iv: bytes.subarray(headerLength, at), ciphertext: bytes.subarray(at) }
}

export function encodeWrapped(version: number, blob: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(headerLength + blob.length)
  bytes.set(blob, writeHeader(bytes, version))
  return bytes
}

/** @throws WarderError `decryption-failed`. */
export function decodeWrapped(bytes: Uint8Array): { version: number; blob: Uint8Array } {
  return { version: readHeader(bytes), blob: bytes.subarray(headerLength) }
}

/** What GCM authenticates beside the plaintext: space, key id, version and the caller's, each as `length u32be | bytes`. */
export function additionalData(space: string, key: string, version: number, callers: Uint8Array): Uint8Array {
  const [spaceBytes, keyBytes] = [Buffer.byteLength(space), Buffer.byteLength(key)]
  const bytes = Buffer.allocUnsafe(4 * 4 + spaceBytes + keyBytes + 4 + callers.length)
  let at = bytes.writeUInt32BE(spaceBytes)
  at += bytes.write(space, at)
  at = bytes.writeUInt32BE(keyBytes, at)
  at += bytes.write(key, at)
  at = bytes.writeUInt32BE(4, at)
  at = bytes.writeUInt32BE(version, at)
  at = bytes.writeUInt32BE(callers.length, at)
  bytes.set(callers, at)
  return bytes
}

/** One answer for whatever is wrong with a ciphertext: a caller who guesses learns nothing from it. */
export const decryptionFailed = (cause?: unknown): WarderError =>
  new WarderError('decryption-failed', 'This could not be opened with this key.', { cause })

/** Answers where to go on. */
function writeHeader(bytes: Buffer, version: number): number {
  return bytes.writeUInt32BE(version, bytes.writeUInt8(format))
}

function readHeader(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length <= headerLength || buffer[0] !== format) throw decryptionFailed()
  return buffer.readUInt32BE(1)
}
