import type { Database } from 'better-sqlite3'
import { unavailable } from './failures.ts'

/** 'Wrdr' in ASCII: marks a file as ours in SQLite's own header. */
export const applicationId = 0x57726472

/** Each brings the schema from its index to the next version. What has been released here is never changed. */
export const migrations: readonly string[] = [
  `CREATE TABLE record (
     collection TEXT NOT NULL,
     id TEXT NOT NULL,
     revision INTEGER NOT NULL,
     attributes TEXT NOT NULL,
     body BLOB NOT NULL,
     UNIQUE (collection, id)
   ) STRICT;
   -- what queries look up: entry is a JSON array of an attribute's name and one value of it
   CREATE TABLE attribute (
     collection TEXT NOT NULL,
     entry TEXT NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (collection, entry, id)
   ) STRICT, WITHOUT ROWID;`,
]

/**
 * Refuses a database that is not ours or that newer code made. Only reads, so a stranger's file stays as it is.
 * @throws WarderError `storage-unavailable`, saying which of them it is.
 */
export function recognise(db: Database, steps: readonly string[] = migrations): void {
  const id = numberOf(db, 'application_id')
  const version = numberOf(db, 'user_version')
  const empty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
  if (id !== applicationId && !(id === 0 && version === 0 && empty)) {
    throw unavailable('The database belongs to another program: give `file` a name of its own.')
  }
  if (version > steps.length) {
    throw unavailable(
      `The database has schema version ${version} and this program knows ${steps.length}: run the newer program.`,
    )
  }
}

/** Brings the schema up to date, in one transaction: afterwards it is at the newest version, or as it was. */
export function migrate(db: Database, steps: readonly string[] = migrations): void {
  const version = numberOf(db, 'user_version')
  if (version === steps.length) return
  db.transaction(() => {
    for (const step of steps.slice(version)) db.exec(step)
    db.pragma(`application_id = ${applicationId}`)
    db.pragma(`user_version = ${steps.length}`)
  }).immediate()
}

function numberOf(db: Database, pragma: string): number {
  return Number(db.pragma(pragma, { simple: true }))
}
