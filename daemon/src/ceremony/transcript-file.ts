import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { WarderError } from '@warder/contract'
import { syncDirectory } from '../durable-file.ts'
import { asUser, type User } from '../systemd/accounts.ts'

/** A place for a transcript, taken before anything is done that it is to tell of. */
export interface TranscriptFile {
  readonly path: string
  /** Durable when it resolves. */
  write(text: string): Promise<void>
  /** Gives up the place where nothing was written. */
  close(): Promise<void>
}

/**
 * Mode 0600, of `owner`, and never in place of a file that is there.
 * @throws WarderError `config-invalid` when it cannot be made
 */
export async function reserveTranscript(path: string, owner: User | undefined): Promise<TranscriptFile> {
  let file: FileHandle
  try {
    file = await asUser(owner, () => open(path, 'wx', 0o600))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written (${code ?? 'failed'})`
    throw new WarderError('config-invalid', `The transcript ${path} ${why}: name another file with --transcript.`, {
      cause,
    })
  }
  let written = false
  return {
    path,
    async write(text) {
      await file.writeFile(text)
      await file.sync()
      await syncDirectory(dirname(path))
      written = true
    },
    async close() {
      await file.close()
      if (!written) await asUser(owner, () => rm(path, { force: true }))
    },
  }
}
