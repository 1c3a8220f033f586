import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import type { AppendFile } from '@warder/core'

/**
 * One open journal file. Bytes go to known offsets, and after each write and `fdatasync` the path must still lead to the
 * same file with the size we gave it: a file that was removed, replaced, cut or written to by others is not appended to.
 */
export class DurableFile implements AppendFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #reserve: string
  readonly #inode: bigint
  #size: number
  #closed: Promise<void> | undefined

  private constructor(handle: FileHandle, path: string, reserve: string, inode: bigint, size: number) {
    this.#handle = handle
    this.#path = path
    this.#reserve = reserve
    this.#inode = inode
    this.#size = size
  }

  /** Takes over the handle. `reserve` is the file whose room a last append may use. */
  static async over(handle: FileHandle, path: string, reserve: string): Promise<DurableFile> {
    const { ino, size } = await handle.stat({ bigint: true })
    return new DurableFile(handle, path, reserve, ino, Number(size))
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#handle, bytes, this.#size)
    } catch (error) {
      throw unavailable(isOutOfSpace(error) ? 'no-space' : 'io-error', error)
    }
    const expected = this.#size + bytes.length
    const [, found] = await Promise.all([this.#sync(), this.#look()])
    if (found === undefined || found.ino !== this.#inode || Number(found.size) !== expected)
      throw unavailable('file-removed')
    this.#size = expected
  }

  async appendLast(bytes: Uint8Array): Promise<void> {
    await this.#handle.truncate(this.#size)
    await rm(this.#reserve, { force: true })
    await this.append(bytes)
  }

  close(): Promise<void> {
    this.#closed ??= this.#handle.close()
    return this.#closed
  }

  async #sync(): Promise<void> {
    try {
      await this.#handle.datasync()
    } catch (error) {
      throw unavailable('io-error', error)
    }
  }

  async #look(): Promise<{ ino: bigint; size: bigint } | undefined> {
    try {
      return await stat(this.#path, { bigint: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unavailable('io-error', error)
    }
  }
}

/** Room for the last record of a journal whose disk is full: twice the longest record there can be. */
const reserveBytes = 131_072

/** Makes the reserve when it is not there, with its blocks allocated. */
export async function keepReserve(path: string): Promise<void> {
  let handle: FileHandle
  try {
    handle = await open(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    throw error
  }
  try {
    await writeFully(handle, Buffer.alloc(reserveBytes), 0)
    await handle.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw unavailable(isOutOfSpace(error) ? 'no-space' : 'io-error', error)
  } finally {
    await handle.close()
  }
}

/** A single write may be short; this one is not. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

function isOutOfSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function unavailable(reason: 'no-space' | 'file-removed' | 'io-error', cause?: unknown): WarderError {
  return new WarderError('journal-unavailable', `The journal cannot be written (${reason}).`, {
    facts: { reason },
    cause,
  })
}
