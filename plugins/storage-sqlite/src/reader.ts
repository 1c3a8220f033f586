import { cursorAfter, idOfCursor, type Filter, type Page, type Query, type StoredRecord } from '@warder/contract'
import type { Database, Statement } from 'better-sqlite3'
import { decodeAttributes, entriesOf } from './attributes.ts'
import { openReader } from './connection.ts'

interface Row {
  readonly id: string
  readonly revision: number
  readonly attributes: string
  readonly body: Buffer
}

/**
 * A page ends early, with a cursor, when it has this many bytes of bodies or has looked at this many index entries. That
 * bounds how long a query holds the thread, whatever it is asked.
 */
const pageBytes = 4_194_304
const pageScan = 2000

/** Reads in the calling thread, each call from one snapshot: what was committed before it began, and nothing half done. */
export class Reader {
  readonly #db: Database
  readonly #get: Statement<[string, string], Row>
  readonly #from: Statement<[string, string], Row>
  readonly #matching: Statement<[string, string, string], string>
  readonly #has: Statement<[string, string, string], number>
  readonly #few: Statement<[string, string, string], number>

  constructor(path: string) {
    this.#db = openReader(path)
    const columns = 'id, revision, attributes, body'
    this.#get = this.#db.prepare(`SELECT ${columns} FROM record WHERE collection = ? AND id = ?`)
    this.#from = this.#db.prepare(`SELECT ${columns} FROM record WHERE collection = ? AND id > ? ORDER BY id`)
    const entries = 'FROM attribute WHERE collection = ? AND entry = ? AND id'
    this.#matching = this.#db.prepare<[string, string, string], string>(`SELECT id ${entries} > ? ORDER BY id`).pluck()
    this.#has = this.#db.prepare<[string, string, string], number>(`SELECT 1 ${entries} = ?`).pluck()
    this.#few = this.#db
      .prepare<[string, string, string], number>(`SELECT count(*) FROM (SELECT 1 ${entries} > ? LIMIT 256)`)
      .pluck()
  }

  get(collection: string, id: string): StoredRecord | undefined {
    const row = this.#get.get(collection, id)
    return row && recordOf(collection, row)
  }

  page(collection: string, { where = {}, after, limit }: Query): Page {
    const from = after === undefined ? '' : idOfCursor(after)
    return this.#db.transaction(() => collect(this.#rows(collection, where, from), collection, from, limit))()
  }

  close(): void {
    this.#db.close()
  }

  /** Records in order, and the bare id of each entry looked at that is none. */
  *#rows(collection: string, where: Filter, from: string): Generator<Row | string> {
    const entries = entriesOf(where)
    if (entries.length === 0) {
      yield* this.#from.iterate(collection, from)
      return
    }
    const [narrowest = '', ...others] = this.#narrowestFirst(collection, entries, from)
    for (const id of this.#matching.iterate(collection, narrowest, from)) {
      const hit = others.every(entry => this.#has.get(collection, entry, id) !== undefined)
      yield (hit ? this.#get.get(collection, id) : undefined) ?? id
    }
  }

  #narrowestFirst(collection: string, entries: readonly string[], from: string): readonly string[] {
    if (entries.length === 1) return entries
    const counted = entries.map(entry => ({ entry, count: this.#few.get(collection, entry, from) ?? 0 }))
    return counted.sort((left, right) => left.count - right.count).map(({ entry }) => entry)
  }
}

function collect(rows: Iterable<Row | string>, collection: string, from: string, limit: number): Page {
  const records: StoredRecord[] = []
  let last = from
  let bytes = 0
  let scanned = 0
  for (const row of rows) {
    if (records.length === limit || bytes > pageBytes || scanned === pageScan)
      return { records, next: cursorAfter(last) }
    scanned += 1
    last = typeof row === 'string' ? row : row.id
    if (typeof row === 'string') continue
    bytes += row.body.length
    records.push(recordOf(collection, row))
  }
  return { records }
}

function recordOf(collection: string, { id, revision, attributes, body }: Row): StoredRecord {
  return {
    collection,
    id,
    revision,
    attributes: decodeAttributes(attributes, { collection, id }),
    body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength),
  }
}
