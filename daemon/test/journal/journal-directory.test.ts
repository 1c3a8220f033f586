import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { openJournalDirectory, readJournalDirectory } from '../../src/journal/journal-directory.ts'
import { prototypeOfHandles, refusal, withDirectory } from './support.ts'

const name = '0000000000000000.log'
const content = Buffer.from('one\ntwo\n')

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

describe('the journal directory', () => {
  it('is made for its owner alone, as are its files, whatever the umask', () =>
    withDirectory(async directory => {
      const before = process.umask(0)
      try {
        const file = await (await openJournalDirectory(directory)).create(name, content)
        await file.close()
      } finally {
        process.umask(before)
      }
      expect(await modeOf(directory)).to.equal('700')
      expect((await readdir(directory)).toSorted()).to.deep.equal([name, 'reserve'])
      for (const each of await readdir(directory)) expect(await modeOf(join(directory, each)), each).to.equal('600')
    }))

  it('that others may enter is closed to them when it is opened', () =>
    withDirectory(async directory => {
      await mkdir(directory)
      await chmod(directory, 0o755)
      await openJournalDirectory(directory)
      expect(await modeOf(directory)).to.equal('700')
    }))

  it('is made with the directories above it', () =>
    withDirectory(async directory => {
      const deep = join(directory, 'a', 'b')
      await openJournalDirectory(deep)
      expect(await modeOf(deep)).to.equal('700')
    }))

  it('lists and reads what was created, and nothing else', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      await (await files.create(name, content)).close()
      expect(await files.list()).to.deep.equal([name])
      expect(await contentOf(files.read(name))).to.equal(content.toString())
      const reading = readJournalDirectory(directory)
      expect(await reading.list()).to.deep.equal([name])
      expect(await contentOf(reading.read(name))).to.equal(content.toString())
    }))

  it('creates no file twice, and leaves the first as it was', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      await (await files.create(name, content)).close()
      expect((await refusal(files.create(name, Buffer.from('other')))).facts).to.deep.equal({ reason: 'io-error' })
      expect(await readFile(join(directory, name), 'utf8')).to.equal(content.toString())
      expect((await readdir(directory)).toSorted()).to.deep.equal([name, 'reserve'])
    }))

  it('creates nothing where a link leads elsewhere', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      await symlink(join(directory, 'elsewhere'), join(directory, name))
      await refusal(files.create(name, content))
      expect((await readdir(directory)).toSorted()).to.deep.equal([name, 'reserve'])
    }))

  it('removes what an interrupted creation left, when it is opened', () =>
    withDirectory(async directory => {
      await openJournalDirectory(directory)
      const leftover = join(directory, `${name}.0123456789ab.tmp`)
      await writeFile(leftover, 'half')
      expect(await readJournalDirectory(directory).list()).to.deep.equal([])
      const files = await openJournalDirectory(directory)
      expect(await readdir(directory)).to.deep.equal(['reserve'])
      expect(await files.list()).to.deep.equal([])
    }))

  it('opens a file cut to a length, and goes on from there', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      await (await files.create(name, content)).close()
      const file = await files.open(name, 4)
      expect(await readFile(join(directory, name), 'utf8')).to.equal('one\n')
      await file.append(Buffer.from('three\n'))
      await file.close()
      expect(await readFile(join(directory, name), 'utf8')).to.equal('one\nthree\n')
    }))

  it('lesson: a failed sync leaves pages that look clean, so the last part of a file is written again when it is opened', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      const large = randomBytes((1 << 21) + 12_345)
      await (await files.create(name, large)).close()
      const writes: { at: number; length: number }[] = []
      const prototype = await prototypeOfHandles(directory)
      const write = prototype.write as (...args: unknown[]) => Promise<unknown>
      prototype.write = function (this: unknown, ...args: unknown[]) {
        writes.push({ at: Number(args[3]), length: Number(args[2]) })
        return write.apply(this, args)
      } as typeof prototype.write
      try {
        await (await files.open(name, large.length - 5)).close()
      } finally {
        prototype.write = write as typeof prototype.write
      }
      expect(writes).to.deep.equal([{ at: large.length - 5 - (1 << 21), length: 1 << 21 }])
      expect((await readFile(join(directory, name))).equals(large.subarray(0, -5))).to.equal(true)
    }))

  it('opens no file that is not there', () =>
    withDirectory(async directory => {
      const files = await openJournalDirectory(directory)
      expect((await refusal(files.open(name, 0))).facts).to.deep.equal({ reason: 'io-error' })
      expect(await readdir(directory)).to.deep.equal(['reserve'])
    }))

  it('keeps a reserve whose blocks are there, also when making it was interrupted', () =>
    withDirectory(async directory => {
      const reserve = join(directory, 'reserve')
      for (const interrupted of [0, 100, 70_000]) {
        await openJournalDirectory(directory)
        const { size, blocks } = await stat(reserve)
        expect(size).to.be.at.least(2 * 65_536)
        expect(blocks * 512).to.be.at.least(size)
        await truncate(reserve, interrupted)
      }
    }))

  it('leaves a whole reserve alone', () =>
    withDirectory(async directory => {
      await openJournalDirectory(directory)
      const reserve = join(directory, 'reserve')
      const before = await stat(reserve)
      await openJournalDirectory(directory)
      expect((await stat(reserve)).mtimeMs).to.equal(before.mtimeMs)
    }))
})
