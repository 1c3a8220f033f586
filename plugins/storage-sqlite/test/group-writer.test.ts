import Database from 'better-sqlite3'
import { expect } from 'chai'
import { openWriter } from '../src/connection.ts'
import { GroupWriter } from '../src/group-writer.ts'
import { ensurePrivateFile } from '../src/file.ts'
import { plainWrite } from '../src/write.ts'
import { record } from './store.ts'
import { withScratch } from './scratch.ts'

const put = (id: string, size = 3) => [
  plainWrite({ put: record(id, { body: new Uint8Array(size) }), expect: 'absent' }),
]
const kinds = (outcomes: readonly { kind: string }[]) => outcomes.map(outcome => outcome.kind)

describe('a group of writes', () => {
  const withWriter = (use: (db: Database.Database, writer: GroupWriter) => void) =>
    withScratch(async file => {
      ensurePrivateFile(file)
      const db = openWriter(file)
      try {
        use(db, new GroupWriter(db))
      } finally {
        db.close()
      }
    })
  const count = (db: Database.Database) => db.prepare('SELECT count(*) FROM record').pluck().get()

  /** Makes one statement fail as SQLite would, from the given call on. */
  const failing = (db: Database.Database, statement: string, code: string) => {
    const exec = db.exec.bind(db)
    db.exec = source => {
      if (source === statement) throw new Database.SqliteError('disk I/O error', code)
      return exec(source)
    }
    return () => void (db.exec = exec)
  }

  it('is one commit, in which a stale item does not touch the others', () =>
    withWriter((db, writer) => {
      writer.commit([put('taken')])
      const { outcomes, broken } = writer.commit([put('a'), put('taken'), [...put('b'), ...put('taken')], put('c')])
      expect(kinds(outcomes)).to.deep.equal(['done', 'stale', 'stale', 'done'])
      expect(broken).to.equal(false)
      expect(db.prepare('SELECT id FROM record ORDER BY id').pluck().all()).to.deep.equal(['a', 'c', 'taken'])
    }))

  it('fails whole when its sync fails, and no later write is taken on that connection', () =>
    withWriter((db, writer) => {
      writer.commit([put('before')])
      const mend = failing(db, 'COMMIT', 'SQLITE_IOERR_FSYNC')
      const failed = writer.commit([put('a'), put('b')])
      expect(kinds(failed.outcomes)).to.deep.equal(['failed', 'failed'])
      expect(failed.broken).to.equal(true)
      mend()
      const later = writer.commit([put('c')])
      expect(kinds(later.outcomes)).to.deep.equal(['failed'])
      expect(later.broken).to.equal(true)
      expect(count(db)).to.equal(1)
      expect(db.inTransaction).to.equal(false)
    }))

  it('fails only for the items that find no room, and goes on', () =>
    withWriter((db, writer) => {
      db.pragma('max_page_count = 40')
      const { outcomes, broken } = writer.commit([put('a'), put('large', 1_000_000), put('b')])
      expect(kinds(outcomes)).to.deep.equal(['done', 'failed', 'done'])
      expect(broken).to.equal(false)
      expect(kinds(writer.commit([put('c')]).outcomes)).to.deep.equal(['done'])
    }))

  it('survives a record whose attributes someone has spoiled', () =>
    withWriter((db, writer) => {
      writer.commit([put('a'), put('b')])
      db.prepare("UPDATE record SET attributes = '{' WHERE id = 'a'").run()
      const remove = (id: string) => [plainWrite({ delete: { collection: 'things', id }, expect: 1 })]
      const { outcomes, broken } = writer.commit([remove('a'), remove('b')])
      expect(kinds(outcomes)).to.deep.equal(['failed', 'done'])
      expect(broken).to.equal(false)
    }))

  it('is durable: the log is synced at every commit', () =>
    withWriter(db => {
      expect(db.pragma('journal_mode', { simple: true })).to.equal('wal')
      expect(db.pragma('synchronous', { simple: true })).to.equal(2)
      expect(db.pragma('secure_delete', { simple: true })).to.equal(1)
      expect(db.pragma('trusted_schema', { simple: true })).to.equal(0)
    }))
})
