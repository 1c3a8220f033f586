import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { constants, type FileHandle, open, rm, stat } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import type { AppendFile } from '@warder/core'

/**
 * A journal file is opened to append: bytes land at its end, wherever others have put it meanwhile. Written to a fixed
 * offset they would fill a file that was cut up to the size we expect, and hide the hole.
 */
export const appending = constants.O_RDWR | constants.O_APPEND

/**
 * One open journal file. After each write and `fdatasync` the path must still lead to the same file with the size we gave
 * it: a file that was removed, replaced, cut or written to by others is not appended to.
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

  /** Takes over the handle, opened with {@link appending}. `reserve` is the file whose room a last append may use. */
  static async over(handle: FileHandle, path: string, reserve: string): Promise<DurableFile> {
    const { ino, size } = await handle.stat({ bigint: true })
    return new DurableFile(handle, path, reserve, ino, Number(size))
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#handle, bytes)
    } catch (error) {
      throw unwritable(error)
    }
    const expected = this.#size + bytes.length
    await this.#sync()
    const found = this.#look()
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
      // also for want of space: what a failed sync leaves of the file is not known, so nothing more goes into it
      throw unavailable('io-error', error)
    }
  }

  /** In this thread: asking another one costs more than what it would do, on a path that was just synced. */
  #look(): { ino: bigint; size: bigint } | undefined {
    try {
      return statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    } catch (error) {
      throw unwritable(error)
    }
  }
}

/** Room for the last record of a journal whose disk is full: twice the longest record there can be. */
export const reserveBytes = 131_072

/**
 * Makes sure of the reserve. One that is short, because making it was interrupted, is made again.
 * @throws WarderError `journal-unavailable` as an append does.
 */
export async function keepReserve(path: string): Promise<void> {
  try {
    const found = await stat(path).catch(unlessAbsent)
    if (found?.size === reserveBytes) return
    const handle = await open(path, 'w', 0o600)
    try {
      // random, so that no file system stores it in less than its size
      await writeFully(handle, randomBytes(reserveBytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    await rm(path, { force: true })
    throw unwritable(error)
  }
}

/** A single write may be short; this one is not. Writes where the handle stands, or at the end when it is appending. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, null)
    done += bytesWritten
  }
}

export function unwritable(error: unknown): WarderError {
  return unavailable(isOutOfSpace(error) ? 'no-space' : 'io-error', error)
}

function unlessAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
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
