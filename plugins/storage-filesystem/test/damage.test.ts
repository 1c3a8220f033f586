import { expect } from 'chai'
import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Store } from '@warder/contract'
import { fileNameOf } from '../src/file-name.ts'
import { op, record, refusal, withStore, type Refusal } from './store.ts'
import { withScratch } from './scratch.ts'

const fileOf = (directory: string, id: string): string => {
  const { shard, name } = fileNameOf(id)
  return join(directory, 'things', shard, name)
}

/** Record `a` and a large one, and `other` in a collection of its own. */
async function fill(store: Store): Promise<void> {
  await store.put(record('a'), 'absent', op)
  await store.put(record('large', { body: new Uint8Array(100_000).fill(7) }), 'absent', op)
  await store.put(record('other', { collection: 'others' }), 'absent', op)
}

function expectDamage(error: Refusal): void {
  expect(error.code).to.equal('storage-unavailable')
  expect(error.facts).to.deep.equal({ collection: 'things' })
}

/** The record at `id` cannot be read, made, changed or overlooked, and the other collection is as it was. */
async function expectNotAbsent(store: Store, id: string): Promise<void> {
  expectDamage(await refusal(store.get('things', id, op)))
  expectDamage(await refusal(store.put(record(id), 'absent', op)))
  expectDamage(await refusal(store.put(record(id, { revision: 2 }), 1, op)))
  expectDamage(await refusal(store.delete('things', id, 1, op)))
  expectDamage(await refusal(store.query('things', { limit: 10 }, op)))
  const { ok, detail } = await store.health(op)
  expect(ok).to.equal(false)
  expect(detail).to.contain('things')
  expect(await store.get('others', 'other', op)).to.be.an('object')
  expect((await store.query('others', { limit: 10 }, op)).records).to.have.length(1)
}

describe('a filesystem store that is opened on', () => {
  const cases: Record<string, readonly [id: string, spoil: (directory: string, file: string) => Promise<void>]> = {
    'a torn record': ['a', (_, file) => truncate(file, 100)],
    'an empty file in place of a record': ['a', (_, file) => truncate(file, 0)],
    'a large record that is cut short': ['large', (_, file) => truncate(file, 90_000)],
    'a record that someone has edited': [
      'a',
      async (_, file) =>
        writeFile(file, (await readFile(file, 'latin1')).replace('"revision":1', '"revision":9'), 'latin1'),
    ],
    'a foreign file in place of a record': ['a', (_, file) => writeFile(file, 'my notes')],
    'a record under the name of another': ['a', (directory, file) => copyFile(fileOf(directory, 'large'), file)],
    'a record of another collection': [
      'other',
      async (_, file) => {
        await mkdir(dirname(file), { recursive: true })
        await copyFile(file.replace('/things/', '/others/'), file)
      },
    ],
    'a symbolic link in place of a record': [
      'a',
      async (directory, file) => {
        await rename(file, join(dirname(directory), 'moved'))
        await symlink(join(dirname(directory), 'moved'), file)
      },
    ],
    'a directory in place of a record': [
      'a',
      async (_, file) => {
        await rm(file)
        await mkdir(file)
      },
    ],
    'a symbolic link in place of a directory of records': [
      'a',
      async (directory, file) => {
        await rename(dirname(file), join(dirname(directory), 'moved'))
        await symlink(join(dirname(directory), 'moved'), dirname(file))
      },
    ],
    'a symbolic link in place of a collection': [
      'a',
      async (directory, file) => {
        await rename(dirname(dirname(file)), join(dirname(directory), 'moved'))
        await symlink(join(dirname(directory), 'moved'), dirname(dirname(file)))
      },
    ],
  }
  for (const [what, [id, spoil]] of Object.entries(cases)) {
    it(`${what} refuses to say that it is absent`, () =>
      withScratch(async directory => {
        await withStore(directory, fill)
        await spoil(directory, fileOf(directory, id))
        await withStore(directory, store => expectNotAbsent(store, id))
      }))
  }

  it('a file of another name among the records refuses to list them, and reads those it has', () =>
    withScratch(async directory => {
      await withStore(directory, fill)
      await writeFile(join(directory, 'things', 'README'), 'hello')
      await withStore(directory, async store => {
        expectDamage(await refusal(store.query('things', { limit: 10 }, op)))
        expect(await store.get('things', 'a', op)).to.be.an('object')
        expect(await store.get('things', 'nobody', op)).to.equal(undefined)
      })
      await rm(join(directory, 'things', 'README'))
      await withStore(directory, async store => {
        expect((await store.query('things', { limit: 10 }, op)).records).to.have.length(2)
        expect((await store.health(op)).ok).to.equal(true)
      })
    }))

  it('what a dying process was writing removes it', () =>
    withScratch(async directory => {
      await withStore(directory, fill)
      const shard = dirname(fileOf(directory, 'a'))
      await writeFile(join(directory, '.new-0'), 'half a ma')
      await writeFile(join(shard, '.new-1'), 'half a rec')
      await copyFile(fileOf(directory, 'a'), join(shard, '.new-2'))
      await withStore(directory, async store => {
        expect((await store.query('things', { limit: 10 }, op)).records).to.have.length(2)
        expect((await store.health(op)).ok).to.equal(true)
      })
      const names = await readdir(directory, { recursive: true })
      expect(names.filter(name => name.includes('.new-'))).to.deep.equal([])
    }))
})

describe('a filesystem store whose files change behind its back', () => {
  const cases: Record<string, (file: string, other: string) => Promise<void>> = {
    'that is removed': file => rm(file),
    'that is cut short': file => truncate(file, 50),
    'that is put back to an older state': (file, older) => copyFile(older, file),
    'that becomes a symbolic link': async (file, older) => {
      await rename(file, `${older}.new`)
      await symlink(`${older}.new`, file)
    },
  }
  for (const [what, spoil] of Object.entries(cases)) {
    it(`refuses to read a record ${what}`, () =>
      withScratch(directory =>
        withStore(directory, async store => {
          await fill(store)
          const [file, older] = [fileOf(directory, 'a'), join(dirname(directory), 'older')]
          await copyFile(file, older)
          await store.put(record('a', { revision: 2 }), 1, op)
          await spoil(file, older)
          expectDamage(await refusal(store.get('things', 'a', op)))
          expectDamage(await refusal(store.query('things', { limit: 10 }, op)))
          expect(await store.get('things', 'large', op)).to.be.an('object')
        }),
      ))
  }

  it('refuses a body of which a bit is another, at once and after it is opened anew', () =>
    withScratch(async directory => {
      const spoil = async () => {
        const file = fileOf(directory, 'large')
        const bytes = await readFile(file)
        bytes[90_000] = (bytes[90_000] ?? 0) ^ 1
        await writeFile(file, bytes)
      }
      await withStore(directory, async store => {
        await fill(store)
        await spoil()
        expectDamage(await refusal(store.get('things', 'large', op)))
      })
      await withStore(directory, async store => {
        expectDamage(await refusal(store.get('things', 'large', op)))
        expect(await store.get('things', 'a', op)).to.be.an('object')
      })
    }))
})
