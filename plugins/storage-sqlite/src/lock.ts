import Database from 'better-sqlite3'
import { sqliteCode, unavailable } from './failures.ts'
import { ensurePrivateFile } from './file.ts'

export interface Lock {
  release(): void
}

/**
 * Holds a database for this store alone, against other processes and against this one. It is an exclusive transaction on
 * an empty SQLite file beside the database: the kernel ends it with the process, however that dies, and nothing is ever
 * left to clean up.
 * @throws WarderError `storage-unavailable` at once when it is held already.
 */
export function holdLock(path: string): Lock {
  const file = `${path}.lock`
  ensurePrivateFile(file)
  let db: Database.Database | undefined
  try {
    db = new Database(file, { timeout: 0, fileMustExist: true })
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    const held = sqliteCode(error)?.startsWith('SQLITE_BUSY')
    throw held
      ? unavailable('The database is already open by another process, or a second time in this one.', error)
      : unavailable('The lock file beside the database cannot be locked.', error)
  }
  return { release: () => void db.close() }
}
