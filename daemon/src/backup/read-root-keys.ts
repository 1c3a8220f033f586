import type { KeyObject } from 'node:crypto'
import { open } from 'node:fs/promises'
import { WarderError, type WrappedRootKey } from '@warder/contract'
import { BackupFile } from './open.ts'

/**
 * The root keys of a backup, still wrapped to its recipient. All of the file is checked first.
 * @throws WarderError `backup-damaged`, or `config-invalid` when the file cannot be read
 */
export async function readRootKeys(file: string, recipientKey: KeyObject): Promise<readonly WrappedRootKey[]> {
  const handle = await openBackupFile(file)
  try {
    const backup = await BackupFile.over(handle, recipientKey)
    try {
      const keys: WrappedRootKey[] = []
      for await (const part of backup.parts()) {
        if (part.part !== 'root-key') continue
        const { purpose, number, oaep, bytes } = part
        keys.push({ purpose, number, oaep, wrapped: Uint8Array.from(bytes) })
      }
      return keys
    } finally {
      backup.close()
    }
  } finally {
    await handle.close()
  }
}

/** @throws WarderError `config-invalid` */
export async function openBackupFile(file: string) {
  return open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new WarderError('config-invalid', `${file} cannot be read (${cause.code ?? 'failed'}).`, { cause })
  })
}
