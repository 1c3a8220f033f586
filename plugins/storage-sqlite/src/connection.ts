import Database from 'better-sqlite3'
import { unavailable } from './failures.ts'
import { migrate, recognise } from './migrations.ts'

/**
 * The connection that writes: recognised, migrated, and durable at each commit (synchronous=FULL syncs the write-ahead
 * log before COMMIT returns). What is deleted is overwritten in the database file.
 */
export function openWriter(path: string): Database.Database {
  return opened(path, { timeout: 1000 }, db => {
    recognise(db)
    // a schema that someone has tampered with calls harmless functions only
    db.pragma('trusted_schema = OFF')
    db.pragma('cell_size_check = ON')
    db.pragma('secure_delete = ON')
    if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
      throw unavailable('The file system of the database does not support a write-ahead log: use a local disk.')
    }
    db.pragma('synchronous = FULL')
    db.pragma('journal_size_limit = 67108864')
    migrate(db)
  })
}

/** A connection that can only read. Its timeout is short, for it waits in the thread that asks. */
export function openReader(path: string): Database.Database {
  return opened(path, { timeout: 50, readonly: true }, db => {
    db.pragma('trusted_schema = OFF')
    db.pragma('cell_size_check = ON')
  })
}

function opened(
  path: string,
  options: { timeout: number; readonly?: boolean },
  prepare: (db: Database.Database) => void,
): Database.Database {
  const db = new Database(path, { ...options, fileMustExist: true })
  try {
    prepare(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
