import type { Database } from 'better-sqlite3'
import { sqliteCode } from './failures.ts'
import { Table } from './table.ts'
import type { PlainWrite } from './write.ts'

/** What became of one item of a group. A failed item's writes were not made, as far as SQLite can tell. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export interface GroupAnswer {
  readonly outcomes: readonly Outcome[]
  /** True once no further write will be taken on this connection. */
  readonly broken: boolean
}

/** After these the file is as it was before the transaction, known so, and the next write may well succeed. */
const passing = ['SQLITE_FULL', 'SQLITE_BUSY', 'SQLITE_NOMEM', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_IOERR_NOMEM']

/**
 * Commits many independent items in one transaction, with one sync for all.
 *
 * After an I/O error, a failed sync above all, it takes no further write until the store is opened anew: the kernel may
 * have dropped what it could not write and report the next sync as a success. A full disk is not such an error.
 */
export class GroupWriter {
  readonly #db: Database
  readonly #table: Table
  readonly #check: () => void
  #broken: Outcome | undefined

  /** `check` throws when the connection no longer writes to the files it opened. */
  constructor(db: Database, check: () => void = () => {}) {
    this.#db = db
    this.#table = new Table(db)
    this.#check = check
  }

  /** An item is all or nothing; a stale one does not touch the others. What is `done` is durable when this returns. */
  commit(group: readonly (readonly PlainWrite[])[]): GroupAnswer {
    const outcomes = this.#commit(group)
    return { outcomes, broken: this.#broken !== undefined }
  }

  #commit(group: readonly (readonly PlainWrite[])[]): readonly Outcome[] {
    const broken = this.#broken
    if (broken) return group.map(() => broken)
    try {
      return this.#transaction(group)
    } catch (error) {
      const failed = failureOf(error)
      if (!isPassing(error)) this.#broken = failed
      // one by one, so that an item which needs more room than is left does not fail those that need none
      return group.length === 1 || this.#broken ? group.map(() => failed) : group.flatMap(item => this.#commit([item]))
    }
  }

  #transaction(group: readonly (readonly PlainWrite[])[]): readonly Outcome[] {
    this.#check()
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const outcomes = group.map(item => this.#apply(item))
      this.#db.exec('COMMIT')
      return outcomes
    } catch (error) {
      // SQLite has rolled back by itself after some errors
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #apply(item: readonly PlainWrite[]): Outcome {
    this.#db.exec('SAVEPOINT item')
    const done = item.every(write => this.#table.apply(write))
    this.#db.exec(done ? 'RELEASE item' : 'ROLLBACK TO item; RELEASE item')
    return { kind: done ? 'done' : 'stale' }
  }
}

function isPassing(error: unknown): boolean {
  const code = sqliteCode(error)
  // an error that is not SQLite's came before COMMIT, and ROLLBACK has undone it
  return code === undefined ? !(error instanceof FilesReplaced) : passing.some(start => code.startsWith(start))
}

function failureOf(error: unknown): Outcome {
  return { kind: 'failed', code: sqliteCode(error) ?? 'NOT_SQLITE', message: String(error) }
}

/** The database was removed, renamed or replaced while open: what is written would go with it. */
export class FilesReplaced extends Error {}
