import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './files.ts'

/** A row of the sqlite storage's table, as it is in the file. */
export interface StoredRow {
  readonly collection: string
  readonly id: string
  readonly revision: number
  readonly attributes: string
  readonly body: Buffer
}

interface Database {
  prepare(sql: string): {
    run(...values: readonly unknown[]): { readonly changes: number }
    get(...values: readonly unknown[]): StoredRow | undefined
  }
  close(): void
}

// The driver belongs to the storage plugin alone: what is to be met here is its file, as someone else changes it.
const driver = createRequire(join(root, 'plugins/storage-sqlite/package.json'))('better-sqlite3') as new (
  file: string,
  options: { readonly fileMustExist: true; readonly timeout: number },
) => Database

/** The rows behind the back of a daemon that is running: its lock is beside this file, and binds only who asks for it. */
export class StoredRows {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  read(collection: string, id: string): StoredRow {
    const row = this.#with(db => db.prepare('SELECT * FROM record WHERE collection = ? AND id = ?').get(collection, id))
    if (row === undefined) throw new Error(`there is no row ${collection}/${id}`)
    return row
  }

  /** The first row of a collection whose id begins so. */
  first(collection: string, prefix: string): StoredRow {
    const sql = 'SELECT * FROM record WHERE collection = ? AND substr(id, 1, ?) = ? ORDER BY id'
    const row = this.#with(db => db.prepare(sql).get(collection, prefix.length, prefix))
    if (row === undefined) throw new Error(`there is no row ${collection}/${prefix}…`)
    return row
  }

  /** Puts `row` in the place of the row of that name. */
  replace({ collection, id }: Pick<StoredRow, 'collection' | 'id'>, row: StoredRow): void {
    const sql = `UPDATE record SET collection = ?, id = ?, revision = ?, attributes = ?, body = ?
                 WHERE collection = ? AND id = ?`
    const values = [row.collection, row.id, row.revision, row.attributes, row.body, collection, id]
    this.#changeOne(sql, values)
  }

  remove({ collection, id }: Pick<StoredRow, 'collection' | 'id'>): void {
    this.#changeOne('DELETE FROM record WHERE collection = ? AND id = ?', [collection, id])
  }

  insert({ collection, id, revision, attributes, body }: StoredRow): void {
    const sql = 'INSERT INTO record (collection, id, revision, attributes, body) VALUES (?, ?, ?, ?, ?)'
    this.#changeOne(sql, [collection, id, revision, attributes, body])
  }

  #changeOne(sql: string, values: readonly unknown[]): void {
    const { changes } = this.#with(db => db.prepare(sql).run(...values))
    if (changes !== 1) throw new Error(`changed ${changes} rows`)
  }

  #with<T>(use: (db: Database) => T): T {
    const db = new driver(this.#file, { fileMustExist: true, timeout: 5000 })
    try {
      return use(db)
    } finally {
      db.close()
    }
  }
}
