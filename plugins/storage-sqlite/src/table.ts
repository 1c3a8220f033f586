import type { Database, Statement } from 'better-sqlite3'
import { decodeAttributes, entriesOf } from './attributes.ts'
import type { PlainDelete, PlainPut, PlainWrite } from './write.ts'

interface Current {
  readonly rowid: number
  readonly revision: number
  readonly attributes: string
}

/** The two tables, written together. The caller holds the transaction. */
export class Table {
  readonly #current: Statement<[string, string], Current>
  readonly #insert: Statement<[string, string, number, string, Uint8Array]>
  readonly #update: Statement<[number, string, Uint8Array, number]>
  readonly #delete: Statement<[number]>
  readonly #addEntry: Statement<[string, string, string]>
  readonly #dropEntry: Statement<[string, string, string]>

  constructor(db: Database) {
    this.#current = db.prepare('SELECT rowid, revision, attributes FROM record WHERE collection = ? AND id = ?')
    this.#insert = db.prepare('INSERT INTO record (collection, id, revision, attributes, body) VALUES (?, ?, ?, ?, ?)')
    this.#update = db.prepare('UPDATE record SET revision = ?, attributes = ?, body = ? WHERE rowid = ?')
    this.#delete = db.prepare('DELETE FROM record WHERE rowid = ?')
    this.#addEntry = db.prepare('INSERT OR IGNORE INTO attribute (collection, entry, id) VALUES (?, ?, ?)')
    this.#dropEntry = db.prepare('DELETE FROM attribute WHERE collection = ? AND entry = ? AND id = ?')
  }

  /** False when the record is not at the expected revision; then nothing was changed. */
  apply(write: PlainWrite): boolean {
    const current = this.#current.get(write.collection, write.id)
    if ((current?.revision ?? 0) !== write.expect) return false
    if (write.kind === 'put') this.#put(write, current)
    else if (current) this.#remove(write, current)
    return true
  }

  #put({ collection, id, revision, attributes, entries, body }: PlainPut, current: Current | undefined): void {
    if (!current) this.#insert.run(collection, id, revision, attributes, body)
    else this.#update.run(revision, attributes, body, current.rowid)
    if (current?.attributes === attributes) return
    const kept = new Set(entries)
    for (const entry of current ? entriesOf(decodeAttributes(current.attributes, { collection, id })) : []) {
      if (!kept.has(entry)) this.#dropEntry.run(collection, entry, id)
    }
    for (const entry of entries) this.#addEntry.run(collection, entry, id)
  }

  #remove({ collection, id }: PlainDelete, current: Current): void {
    this.#delete.run(current.rowid)
    for (const entry of entriesOf(decodeAttributes(current.attributes, { collection, id })))
      this.#dropEntry.run(collection, entry, id)
  }
}
