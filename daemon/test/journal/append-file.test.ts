import { appendFile, copyFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppendFile } from '@warder/core'
import { expect } from 'chai'
import { openJournalDirectory } from '../../src/journal/journal-directory.ts'
import { refusal, withDirectory } from './support.ts'

const name = 'segment.log'

/** Lends a file that holds `one\ntwo\n`. */
async function withFile(use: (file: AppendFile, path: string) => Promise<void>): Promise<void> {
  await withDirectory(async directory => {
    const file = await (await openJournalDirectory(directory)).create(name, Buffer.from('one\n'))
    try {
      await file.append(Buffer.from('two\n'))
      await use(file, join(directory, name))
    } finally {
      await file.close()
    }
  })
}

const text = (path: string): Promise<string> => readFile(path, 'utf8')

describe('a journal file', () => {
  it('appends in order, whatever the length', () =>
    withFile(async (file, path) => {
      const large = Buffer.alloc(3 << 20, 'x')
      await file.append(large)
      await file.append(Buffer.from('last\n'))
      expect(await text(path)).to.equal(`one\ntwo\n${large.toString()}last\n`)
    }))

  const interferences: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ['removed', path => rm(path)],
    ['moved away', path => rename(path, `${path}.1`)],
    [
      'replaced by a copy that is the same to the byte',
      async path => {
        await copyFile(path, `${path}.copy`)
        await rename(`${path}.copy`, path)
      },
    ],
    ['removed and made again', async path => rm(path).then(() => writeFile(path, 'one\ntwo\n'))],
    ['emptied', path => truncate(path, 0)],
    ['cut by one byte', path => truncate(path, 7)],
    ['appended to', path => appendFile(path, 'x')],
  ]
  for (const [what, interfere] of interferences)
    it(`that was ${what} by another is not acknowledged any more`, () =>
      withFile(async (file, path) => {
        await interfere(path)
        const { code, facts } = await refusal(file.append(Buffer.from('three\n')))
        expect({ code, facts }).to.deep.equal({ code: 'journal-unavailable', facts: { reason: 'file-removed' } })
        expect((await refusal(file.append(Buffer.from('four\n')))).code).to.equal('journal-unavailable')
      }))

  it('that was cut was once filled up to the size expected, with a hole of zeros where records had been', () =>
    withFile(async (file, path) => {
      await truncate(path, 4)
      await refusal(file.append(Buffer.from('three\n')))
      expect(await text(path)).to.not.contain('\0')
    }))

  it('takes back what a failed append left, and frees the reserve, for its last one', () =>
    withFile(async (file, path) => {
      await appendFile(path, 'half a rec')
      await file.appendLast(Buffer.from('last\n'))
      expect(await text(path)).to.equal('one\ntwo\nlast\n')
      expect(await stat(join(path, '..', 'reserve')).catch((error: NodeJS.ErrnoException) => error.code)).to.equal(
        'ENOENT',
      )
    }))

  it('closes once, however often it is told to', () =>
    withFile(async file => {
      await Promise.all([file.close(), file.close()])
      await file.close()
    }))

  it('that is closed takes nothing', () =>
    withFile(async file => {
      await file.close()
      expect((await refusal(file.append(Buffer.from('three\n')))).facts).to.deep.equal({ reason: 'io-error' })
    }))
})
