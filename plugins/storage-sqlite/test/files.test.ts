import { expect } from 'chai'
import { chmod, link, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { plugin } from '@warder/storage-sqlite'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

const modeOf = async (file: string) => (await stat(file)).mode & 0o777

describe('the files of a SQLite store', () => {
  it('can be read by their owner alone, whatever the umask', () =>
    withScratch(async file => {
      const umask = process.umask(0)
      try {
        await withStore(file, async store => {
          await store.put(record('a'), 'absent', op)
          for (const each of ['', '-wal', '-shm', '.lock']) expect(await modeOf(file + each), each).to.equal(0o600)
        })
      } finally {
        process.umask(umask)
      }
    }))

  it('lose the rights that others had', () =>
    withScratch(async file => {
      await withStore(file, store => store.put(record('a'), 'absent', op))
      await chmod(file, 0o664)
      await withStore(file, async store => {
        expect(await store.get('things', 'a', op)).to.be.an('object')
      })
      expect(await modeOf(file)).to.equal(0o600)
    }))

  it('need a directory that exists', () =>
    withScratch(async file => {
      const error = await refusal(withStore(join(dirname(file), 'missing', 'store.db'), async () => {}))
      expect(error.code).to.equal('config-invalid')
      expect(error.message).to.contain('directory')
    }))

  it('are no links, which would lead round the lock', () =>
    withScratch(async file => {
      await writeFile(`${file}.real`, '')
      await symlink(`${file}.real`, file)
      expect((await refusal(withStore(file, async () => {}))).code).to.equal('config-invalid')
      await rm(file)
      await link(`${file}.real`, file)
      expect((await refusal(withStore(file, async () => {}))).code).to.equal('config-invalid')
      await rm(file)
      await mkdir(file)
      expect((await refusal(withStore(file, async () => {}))).code).to.equal('config-invalid')
    }))

  it('are one store by whatever path they are reached', () =>
    withScratch(async file => {
      const alias = join(dirname(file), 'alias')
      await symlink(dirname(file), alias)
      await withStore(file, async () => {
        const error = await refusal(withStore(join(alias, 'store.db'), async () => {}))
        expect(error.message).to.contain('already open by another process')
      })
    }))

  for (const suffix of ['', '-wal']) {
    it(`refuse writes that would go with store.db${suffix} when it is moved away, until the store is opened anew`, () =>
      withScratch(async file => {
        await withStore(file, async store => {
          await store.put(record('a'), 'absent', op)
          await rename(file + suffix, `${file}.away`)
          expect((await refusal(store.put(record('b'), 'absent', op))).code).to.equal('storage-unavailable')
          await rename(`${file}.away`, file + suffix)
          expect((await refusal(store.put(record('b'), 'absent', op))).code).to.equal('storage-unavailable')
          expect((await store.health(op)).ok).to.equal(false)
          expect(await store.get('things', 'b', op)).to.equal(undefined)
        })
        await withStore(file, async store => {
          expect(await store.get('things', 'a', op)).to.be.an('object')
          await store.put(record('b'), 'absent', op)
        })
      }))
  }

  it('are one file again after a close, with all that was written in it', () =>
    withScratch(async file => {
      // the writer was told to close before the reader had: when it was quicker, its log stayed, one time in three
      for (let round = 0; round < 4; round++) {
        await withStore(file, async store => {
          const ids = Array.from({ length: 200 }, (_, n) => `${round}-${n}`)
          const body = new Uint8Array(4000)
          await Promise.all(ids.map(id => store.put(record(id, { body }), 'absent', op)))
          for (const id of ids) await store.get('things', id, op)
        })
        expect(await readdir(dirname(file)), `round ${round}`).to.have.members(['store.db', 'store.db.lock'])
      }
    })).timeout(60_000)

  it('are named by an absolute path', async () => {
    for (const file of ['store.db', './store.db', ':memory:', '', 'file:///tmp/store.db', '/tmp/a\0b', 7]) {
      expect((await plugin.config['~standard'].validate({ file })).issues, String(file)).to.be.an('array')
    }
  })
})
