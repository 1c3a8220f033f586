import { chmodSync, closeSync, fsyncSync, lstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { WarderError } from '@warder/contract'
import { unavailable } from './failures.ts'

/**
 * The one true path of a database, so that two spellings of it meet at one lock.
 * @throws WarderError `config-invalid` when the directory does not exist.
 */
export function resolveFile(file: string): string {
  try {
    return join(realpathSync(dirname(file)), basename(file))
  } catch (cause) {
    const message = 'The directory of `file` does not exist or cannot be entered: create it, for this user only.'
    throw new WarderError('config-invalid', message, { facts: { field: 'file' }, cause })
  }
}

/**
 * Makes sure that a regular file is there which its owner alone can read. A new one is durable, name and all. A file that
 * exists is never opened here: closing it would drop the POSIX locks that SQLite holds on it in this process.
 */
export function ensurePrivateFile(path: string): void {
  try {
    if (!created(path)) tighten(path)
  } catch (error) {
    if (WarderError.is(error)) throw error
    throw unavailable('The database file cannot be made.', error)
  }
}

/** Takes from everyone but the owner what an earlier umask gave. Links are refused: they lead round the lock. */
function tighten(path: string): void {
  const found = lstatSync(path)
  if (!found.isFile() || found.nlink !== 1) {
    const message = '`file` must be a regular file with one name, not a link, directory or device.'
    throw new WarderError('config-invalid', message, { facts: { field: 'file' } })
  }
  if ((found.mode & 0o077) !== 0) chmodSync(path, 0o600)
}

function created(path: string): boolean {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  sync(file)
  sync(openSync(dirname(path), 'r'))
  return true
}

function sync(file: number): void {
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Tells a file from another of the same name; undefined when there is none. */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}
