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
  readonly #behind: Statement<[string, string, string], string>
  readonly #atOrBehind: Statement<[string, string, string], string>

  constructor(path: string) {
    this.#db = openReader(path)
    const columns = 'id, revision, attributes, body'
    this.#get = this.#db.prepare(`SELECT ${columns} FROM record WHERE collection = ? AND id = ?`)
    this.#from = this.#db.prepare(`SELECT ${columns} FROM record WHERE collection = ? AND id > ? ORDER BY id`)
    const entries = 'SELECT id FROM attribute WHERE collection = ? AND entry = ?'
    const next = (condition: string): Statement<[string, string, string], string> =>
      this.#db.prepare<[string, string, string], string>(`${entries} AND id ${condition} ? ORDER BY id LIMIT 1`).pluck()
    this.#behind = next('>')
    this.#atOrBehind = next('>=')
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
    yield* this.#matching(collection, entries, from)
  }

  /**
   * The entries are asked in turn for their next id, from where the others have come to: what any one of them does not
   * have is passed over at once, whichever it is and however many ids the others have there.
   */
  *#matching(collection: string, entries: readonly string[], from: string): Generator<Row | string> {
    const [leader = ''] = entries
    let candidate = this.#behind.get(collection, leader, from)
    let agreed = 1
    for (let turn = 1; candidate !== undefined; turn++) {
      if (agreed === entries.length) {
        yield this.#get.get(collection, candidate) ?? candidate
        candidate = this.#behind.get(collection, entries[turn % entries.length] as string, candidate)
        agreed = 1
        continue
      }
      const found = this.#atOrBehind.get(collection, entries[turn % entries.length] as string, candidate)
      if (found === candidate) agreed += 1
      else {
        yield candidate
        candidate = found
        agreed = 1
      }
    }
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
