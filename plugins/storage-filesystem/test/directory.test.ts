import { expect } from 'chai'
import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { plugin } from '@warder/storage-filesystem'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('the directory of a filesystem store', () => {
  it('and all below it can be read by their owner alone, whatever the umask', () =>
    withScratch(async directory => {
      const umask = process.umask(0)
      try {
        await withStore(directory, store => store.put(record('a'), 'absent', op))
      } finally {
        process.umask(umask)
      }
      expect(await modeOf(directory)).to.equal(0o700)
      const found = await readdir(directory, { recursive: true, withFileTypes: true })
      expect(found.map(({ name }) => name)).to.include.members(['FORMAT', 'things', 'a'])
      for (const entry of found) {
        const wanted = entry.isDirectory() ? 0o700 : 0o600
        expect(await modeOf(join(entry.parentPath, entry.name)), entry.name).to.equal(wanted)
      }
    }))

  it('loses the rights that others had', () =>
    withScratch(async directory => {
      await mkdir(directory)
      await chmod(directory, 0o775)
      await withStore(directory, async () => {})
      expect(await modeOf(directory)).to.equal(0o700)
    }))

  it('is made when it is missing, and the one above it is not', () =>
    withScratch(async directory => {
      const error = await refusal(withStore(join(directory, 'store'), async () => {}))
      expect(error.code).to.equal('config-invalid')
      expect(error.facts).to.deep.equal({ field: 'directory' })
    }))

  it('is refused when it is a file', () =>
    withScratch(async directory => {
      await writeFile(directory, 'notes')
      expect((await refusal(withStore(directory, async () => {}))).code).to.equal('config-invalid')
      expect(await readFile(directory, 'utf8')).to.equal('notes')
    }))

  it('is refused when another program has files in it, and left as it was', () =>
    withScratch(async directory => {
      await mkdir(directory)
      await writeFile(join(directory, 'notes'), 'mine')
      const error = await refusal(withStore(directory, async () => {}))
      expect(error.code).to.equal('storage-unavailable')
      expect(error.message).to.contain('another program')
      expect(await readdir(directory)).to.deep.equal(['notes'])
    }))

  it('may be the root of a file system of its own', () =>
    withScratch(async directory => {
      await mkdir(join(directory, 'lost+found'), { recursive: true })
      await withStore(directory, store => store.put(record('a'), 'absent', op))
      await withStore(directory, async store => {
        expect(await store.get('things', 'a', op)).to.be.an('object')
      })
    }))

  it('takes no writes when it is moved away, also with another in its place', () =>
    withScratch(async directory => {
      const away = join(dirname(directory), 'away')
      await withStore(directory, async store => {
        await store.put(record('a'), 'absent', op)
        await rename(directory, away)
        for (const replace of [async () => {}, async () => mkdir(directory)]) {
          await replace()
          const error = await refusal(store.put(record('b'), 'absent', op))
          expect(error.code).to.equal('storage-unavailable')
          expect(error.message).to.contain('moved')
          expect((await refusal(store.delete('things', 'a', 1, op))).code).to.equal('storage-unavailable')
          expect((await refusal(store.get('things', 'a', op))).code).to.equal('storage-unavailable')
          expect((await store.health(op)).ok).to.equal(false)
        }
        expect(await readdir(directory)).to.deep.equal([])
      })
      await withStore(away, async store => {
        expect((await store.query('things', { limit: 5 }, op)).records.map(({ id }) => id)).to.deep.equal(['a'])
      })
    }))

  it('is named by an absolute path', async () => {
    for (const directory of ['store', './store', '', '/tmp/a\0b', 7]) {
      expect((await plugin.config['~standard'].validate({ directory })).issues, String(directory)).to.be.an('array')
    }
  })
})
