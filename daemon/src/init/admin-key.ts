import { type FileHandle, open, rm } from 'node:fs/promises'
import { WarderError } from '@warder/contract'

/** Where the first administrator's key goes, which is shown only once. */
export interface AdminKeySink {
  /** Durable when it resolves. */
  deliver(key: string): Promise<void>
  /** When there is no key to deliver: leaves nothing behind. */
  abandon(): Promise<void>
}

/**
 * Reserves the file, so that a key is never made that could then not be written; `undefined` when it is there already.
 * @throws WarderError `config-invalid` when it cannot be made.
 */
export async function reserveKeyFile(path: string): Promise<AdminKeySink | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'wx', 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return undefined
    throw new WarderError('config-invalid', `${path} cannot be written (${code ?? 'failed'}).`, { cause })
  }
  return {
    deliver: async key => {
      try {
        await file.writeFile(`${key}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    abandon: async () => {
      await file.close()
      await rm(path)
    },
  }
}

/** A terminal shows it to who sits there, and keeps no copy as a pipe or a log would. */
export function showOnTerminal(stdout: NodeJS.WriteStream): AdminKeySink | undefined {
  if (!stdout.isTTY) return undefined
  return {
    deliver: async key => {
      stdout.write(`\nThe first administrator's API key. It is shown now and never again:\n\n  ${key}\n\n`)
    },
    abandon: () => Promise.resolve(),
  }
}
