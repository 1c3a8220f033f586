import { expect } from 'chai'
import { mkdir } from 'node:fs/promises'
import type { WarderError } from '@warder/contract'
import { holdLock } from '../src/lock.ts'
import { encodeRecord } from '../src/record-file.ts'
import { RecordFiles } from '../src/record-files.ts'
import { record, refusal } from './store.ts'
import { withScratch } from './scratch.ts'

describe('the files of a filesystem store', () => {
  for (const [what, id] of [
    ['with a record replaced in it', 'a'],
    ['with a directory made in it', 'b'],
  ] as const) {
    it(`take no more writes once a directory ${what} could not be synced, even if it can be again`, () =>
      withScratch(async directory => {
        await mkdir(directory)
        const lock = await holdLock(directory)
        const failures: WarderError[] = []
        let broken = false
        const sync = async () => {
          if (broken) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
        }
        const files = new RecordFiles(directory, lock, error => failures.push(error), sync)
        const { bytes } = encodeRecord(record('a'))
        await files.write('things', 'a', bytes)
        broken = true
        const error = await refusal(files.write('things', id, bytes))
        expect(error.code).to.equal('storage-unavailable')
        expect(error.message).to.contain('opened anew')
        broken = false
        expect(await refusal(files.write('things', 'c', bytes))).to.equal(error)
        expect(await refusal(files.remove('things', 'a'))).to.equal(error)
        expect(failures).to.deep.equal([error])
        expect((await files.read('things', 'a', bytes.length))?.record.id).to.equal('a')
        await lock.release()
      }))
  }
})
