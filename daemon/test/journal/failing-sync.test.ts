import { execFileSync } from 'node:child_process'
import { constants, mkdirSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { Journal } from '../../../core/src/audit/journal.ts'
import { segmentName } from '../../../core/src/audit/line.ts'
import { appending, DurableFile } from '../../src/journal/append-file.ts'
import { contextIn, event, prototypeOfHandles, refusal, withDirectory } from './support.ts'

describe('a journal file on a device that fails', () => {
  it('says so when the sync fails: a pipe takes the bytes and cannot be synced', () =>
    withDirectory(async directory => {
      mkdirSync(directory)
      const path = join(directory, 'pipe')
      execFileSync('mkfifo', [path])
      const file = await DurableFile.over(await open(path, appending), path, `${path}.reserve`)
      const { code, facts, cause } = await refusal(file.append(Buffer.from('one\n')))
      expect({ code, facts }).to.deep.equal({ code: 'journal-unavailable', facts: { reason: 'io-error' } })
      expect((cause as NodeJS.ErrnoException).syscall).to.equal('fdatasync')
      await file.close()
    }))

  it('says so when there is no room: /dev/full takes nothing', async () => {
    const handle = await open('/dev/full', constants.O_WRONLY | constants.O_APPEND)
    const file = await DurableFile.over(handle, '/dev/full', '/dev/null/reserve')
    const { code, facts } = await refusal(file.append(Buffer.from('one\n')))
    expect({ code, facts }).to.deep.equal({ code: 'journal-unavailable', facts: { reason: 'no-space' } })
    await file.close()
  })
})

describe('a journal whose sync failed once', () => {
  /** Runs `use` while the next sync fails and, as the kernel would have it, all after that succeed; counts them. */
  async function withOneFailingSync(directory: string, use: (syncs: () => number) => Promise<void>): Promise<void> {
    const prototype = await prototypeOfHandles(directory)
    // oxlint-disable-next-line typescript/unbound-method
    const { datasync } = prototype
    let syncs = 0
    prototype.datasync = function () {
      syncs++
      return syncs > 1 ? datasync.call(this) : Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
    }
    try {
      await use(() => syncs)
    } finally {
      prototype.datasync = datasync
    }
  }

  it('lesson: it is never synced again, and stays closed until a restart', () =>
    withDirectory(async directory => {
      const journal = await Journal.create(await contextIn(directory), 'origin-1')
      await journal.append(event('acknowledged'))
      await withOneFailingSync(directory, async syncs => {
        const refused = await Promise.all([1, 2, 3].map(n => refusal(journal.append(event(`${n}`)))))
        const { size } = await stat(join(directory, segmentName(0)))
        refused.push(await refusal(journal.append(event('later'))))
        expect(refused.map(({ facts }) => facts['reason'])).to.deep.equal(Array(4).fill('io-error'))
        expect(journal.health().ok).to.equal(false)
        await journal.close()
        expect(syncs()).to.equal(1)
        expect((await stat(join(directory, segmentName(0)))).size).to.equal(size)
      })
      const found: string[] = []
      const again = await Journal.open(await contextIn(directory), ({ correlation }) => found.push(correlation))
      // what was refused may be there, as its outcome is unknown; what was acknowledged is
      expect(found.slice(0, 2)).to.deep.equal(['init', 'acknowledged'])
      await again.append(event('after'))
      await again.close()
    }))
})

describe('a journal whose file was taken away', () => {
  it('stops, and does not start again without it', () =>
    withDirectory(async directory => {
      const journal = await Journal.create(await contextIn(directory), 'origin-1')
      await journal.append(event('acknowledged'))
      execFileSync('rm', [join(directory, segmentName(0))])
      expect((await refusal(journal.append(event('1')))).facts['reason']).to.equal('file-removed')
      expect((await refusal(journal.append(event('2')))).facts['reason']).to.equal('file-removed')
      await journal.close()
      const opening = contextIn(directory).then(context => Journal.open(context, () => {}))
      expect((await refusal(opening)).code).to.equal('not-initialised')
    }))
})
