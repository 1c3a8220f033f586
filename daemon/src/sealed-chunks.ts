import { createCipheriv, createDecipheriv } from 'node:crypto'
import { chunksOf } from './cli/crypto/chunks.ts'

/**
 * What follows the header line of a sealed file: at least one chunk.
 *
 * - A chunk is AES-256-GCM (NIST SP 800-38D) of 65,536 bytes, the last one of what is left, followed by its tag (16 bytes).
 *   Its nonce is the number of the chunk from 0 (11 bytes, big-endian) and 1 for the last chunk, else 0 (1 byte). This is the
 *   STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): chunks cannot be cut off, added, repeated or reordered.
 * - The header line is additional data of every chunk, line feed and all.
 * - Only a chunk that is the first too may be empty: an empty file.
 */
const chunkBytes = 65_536
const tagBytes = 16

/** Encrypts what comes. `key` is 32 bytes that are used for this one file. */
export async function* sealChunks(
  line: Uint8Array,
  key: Uint8Array,
  plaintext: AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes, number, last } of chunksOf(plaintext, chunkBytes)) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce(number, last)).setAAD(line)
    yield Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
  }
}

/**
 * Decrypts what {@link sealChunks} made. Each chunk comes out when it was found genuine, and in its place.
 * @throws what `damaged` makes, as soon as one is not, or when the last one is missing
 */
export async function* openChunks(
  line: Uint8Array,
  key: Uint8Array,
  ciphertext: AsyncIterable<Buffer>,
  damaged: (cause?: unknown) => Error,
): AsyncGenerator<Buffer> {
  for await (const { bytes, number, last } of chunksOf(ciphertext, chunkBytes + tagBytes)) {
    if (bytes.length < tagBytes || (bytes.length === tagBytes && number > 0)) throw damaged()
    const at = bytes.length - tagBytes
    const decipher = createDecipheriv('aes-256-gcm', key, nonce(number, last))
    decipher.setAAD(line).setAuthTag(bytes.subarray(at))
    const opened = decipher.update(bytes.subarray(0, at))
    try {
      decipher.final()
    } catch (cause) {
      opened.fill(0)
      throw damaged(cause)
    }
    yield opened
  }
}

function nonce(number: number, last: boolean): Uint8Array {
  const bytes = Buffer.alloc(12)
  // 6 of the 11 bytes hold every number that is exact here: 2^48 chunks are 16 EiB.
  bytes.writeUIntBE(number, 5, 6)
  bytes[11] = last ? 1 : 0
  return bytes
}
