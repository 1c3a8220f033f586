import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { Journal } from '../../src/audit/journal.ts'
import { segmentName } from '../../src/audit/line.ts'
import { readJournal } from '../../src/audit/read.ts'
import { contextOver, event } from '../support/journal.ts'
import { MemoryFiles } from '../support/memory-files.ts'

const name = segmentName(0)

async function sample(): Promise<Buffer> {
  const files = new MemoryFiles()
  const journal = await Journal.create(contextOver(files), 'origin-1')
  await Promise.all([journal.append(event(1, { name: 'a' })), journal.append(event(2))])
  await journal.append(event(3))
  await journal.close()
  return files.contents.get(name) as Buffer
}

const holding = (content: Buffer): MemoryFiles => {
  const files = new MemoryFiles()
  files.contents.set(name, content)
  return files
}

describe('reading a journal', () => {
  it('finds every single changed byte, and names its line', async function () {
    this.timeout(60_000)
    const content = await sample()
    const lineOf = (offset: number): number => content.subarray(0, offset).filter(byte => byte === 0x0a).length + 1
    for (const mask of [0x01, 0x20, 0x80, 0xff]) {
      for (let at = 0; at < content.length; at++) {
        const changed = Buffer.from(content)
        changed[at] = (changed[at] as number) ^ mask
        try {
          await readJournal(holding(changed), () => {})
        } catch (error) {
          if (!WarderError.is(error, 'journal-corrupt')) throw error
          // A changed record is named itself, unless its line's end was changed or only the commit line can tell.
          const line = error.facts['line'] as number
          if (line < lineOf(at) || line > lineOf(at) + 1)
            throw new Error(`byte ${at}: line ${line} is named`, { cause: error })
          continue
        }
        throw new Error(`byte ${at} ^ ${mask} went unnoticed`)
      }
    }
  })

  it('finds every byte set to zero or to a newline', async () => {
    const content = await sample()
    for (const value of [0x00, 0x0a]) {
      for (let at = 0; at < content.length; at++) {
        if (content[at] === value) continue
        const changed = Buffer.from(content)
        changed[at] = value
        const found = await readJournal(holding(changed), () => {}).then(
          () => false,
          error => WarderError.is(error, 'journal-corrupt'),
        )
        expect(found, `byte ${at} set to ${value}`).to.equal(true)
      }
    }
  })

  it('takes what a write cut short left at the end for a tail, at every length', async () => {
    const content = await sample()
    const committed: number[] = []
    for (let at = content.indexOf('\ncommit '); at !== -1; at = content.indexOf('\ncommit ', at + 1))
      committed.push(content.indexOf('\n', at + 1) + 1)
    for (let length = 0; length <= content.length; length++) {
      const { last, tail } = await readJournal(holding(content.subarray(0, length)), () => {})
      const expected = committed.findLast(end => end <= length) ?? 0
      expect(last?.committedBytes, `cut at ${length}`).to.equal(expected)
      expect(tail.bytes).to.equal(length - expected)
    }
  })

  it('takes zeros at the end for a tail, as a file system may leave them', async () => {
    const content = await sample()
    const { tail } = await readJournal(holding(Buffer.concat([content, Buffer.alloc(4096)])), () => {})
    expect(tail.bytes).to.equal(4096)
  })

  it('finds records that were removed, repeated or put in another order', async () => {
    const lines = (await sample()).toString().split(/(?<=\n)/)
    const edits: Record<string, string[]> = {
      'record removed': lines.toSpliced(2, 1),
      'batch removed': lines.toSpliced(2, 3),
      'record repeated': lines.toSpliced(2, 0, lines[2] as string),
      'records swapped': lines.toSpliced(2, 2, lines[3] as string, lines[2] as string),
      'commit line removed': lines.toSpliced(1, 1),
    }
    for (const [edit, edited] of Object.entries(edits)) {
      const found = await readJournal(holding(Buffer.from(edited.join(''))), () => {}).then(
        () => false,
        error => WarderError.is(error, 'journal-corrupt'),
      )
      expect(found, edit).to.equal(true)
    }
  })
})
