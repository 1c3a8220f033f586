import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import type { Backup } from '@warder/core'
import { sealChunks } from '../sealed-chunks.ts'
import { headerLine } from './header.ts'
import { encodeParts } from './parts.ts'

/**
 * The bytes of a backup file. Memory stays bounded, whatever its size. The last chunk comes only when the journal has the
 * digest and size of the whole file: a file that is complete is on record.
 */
export async function* sealBackup({ recipient, parts, finish }: Backup): AsyncGenerator<Uint8Array> {
  const fileKey = randomBytes(32)
  const hash = createHash('sha256')
  let size = 0
  const counted = (bytes: Uint8Array): Uint8Array => {
    hash.update(bytes)
    size += bytes.length
    return bytes
  }
  try {
    const line = headerLine(createPublicKey({ key: Buffer.from(recipient), format: 'der', type: 'spki' }), fileKey)
    let held = counted(line)
    for await (const chunk of sealChunks(line, fileKey, encodeParts(parts))) {
      yield held
      held = counted(chunk)
    }
    await finish({ digest: hash.digest('hex'), size })
    yield held
  } finally {
    fileKey.fill(0)
  }
}
