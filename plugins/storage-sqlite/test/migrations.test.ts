import Database from 'better-sqlite3'
import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'
import { applicationId, migrate, migrations, recognise } from '../src/migrations.ts'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

describe('migrations', () => {
  const steps = [
    'CREATE TABLE one (a INTEGER) STRICT; INSERT INTO one VALUES (1)',
    'ALTER TABLE one ADD COLUMN b INTEGER NOT NULL DEFAULT 7',
    'CREATE TABLE two (c TEXT) STRICT',
  ]
  const version = (db: Database.Database) => db.pragma('user_version', { simple: true })

  it('bring a database from each version to the newest, and keep what is in it', () => {
    for (let from = 1; from <= steps.length; from++) {
      const db = new Database(':memory:')
      migrate(db, steps.slice(0, from))
      expect(version(db)).to.equal(from)
      migrate(db, steps)
      migrate(db, steps)
      expect(version(db)).to.equal(3)
      expect(db.prepare('SELECT a, b FROM one').all()).to.deep.equal([{ a: 1, b: 7 }])
      expect(db.prepare('SELECT count(*) FROM two').pluck().get()).to.equal(0)
      db.close()
    }
  })

  it('that fail half way leave the version that was', () => {
    const db = new Database(':memory:')
    migrate(db, steps.slice(0, 1))
    expect(() => migrate(db, [...steps, 'CREATE TABLE two (d TEXT) STRICT'])).to.throw('already exists')
    expect(version(db)).to.equal(1)
    expect(db.prepare('SELECT * FROM one').all()).to.deep.equal([{ a: 1 }])
    db.close()
  })

  it('released so far each open with the store of today', async () => {
    for (let from = 0; from <= migrations.length; from++) {
      await withScratch(async file => {
        const db = new Database(file)
        if (from > 0) migrate(db, migrations.slice(0, from))
        db.close()
        await withStore(file, async store => {
          await store.put(record('a'), 'absent', op)
          expect((await store.get('things', 'a', op))?.revision).to.equal(1)
        })
      })
    }
  })

  it('recognise a database with our mark and no other', () => {
    const db = new Database(':memory:')
    expect(() => recognise(db)).not.to.throw()
    migrate(db)
    expect(db.pragma('application_id', { simple: true })).to.equal(applicationId)
    expect(() => recognise(db)).not.to.throw()
    db.close()
  })
})

describe('a database that is not for this code', () => {
  it('is refused when newer code made it, and says so', () =>
    withScratch(async file => {
      await withStore(file, store => store.put(record('a'), 'absent', op))
      const db = new Database(file)
      db.pragma('user_version = 99')
      db.close()
      const error = await refusal(withStore(file, async () => {}))
      expect(error.code).to.equal('storage-unavailable')
      expect(error.message).to.match(/schema version 99 .* knows 1/)
    }))

  it('is refused when another program made it, and is left as it was', () =>
    withScratch(async file => {
      const db = new Database(file)
      db.exec("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')")
      db.close()
      const before = await readFile(file)
      const error = await refusal(withStore(file, async () => {}))
      expect(error.code).to.equal('storage-unavailable')
      expect(error.message).to.contain('another program')
      expect((await readFile(file)).equals(before)).to.equal(true)
    }))

  it('is refused when it is no database at all, and is left as it was', () =>
    withScratch(async file => {
      await writeFile(file, 'these are my notes, not a database\n'.repeat(200))
      const before = await readFile(file)
      const error = await refusal(withStore(file, async () => {}))
      expect(error.code).to.equal('storage-unavailable')
      expect((await readFile(file)).equals(before)).to.equal(true)
    }))
})
