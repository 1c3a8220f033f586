import { expect } from 'chai'
import { writeFile } from 'node:fs/promises'
import { quietHost } from '@warder/testkit'
import { holdLock } from '../src/lock.ts'
import { openSqliteStore } from '../src/sqlite-store.ts'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

/** Other processes, and what SIGKILL leaves of them, are in the conformance suite. */
describe('the lock of a SQLite store', () => {
  it('refuses a second store at once, says why, and does not disturb the first', () =>
    withScratch(file =>
      withStore(file, async store => {
        const began = performance.now()
        const error = await refusal(withStore(file, async () => {}))
        expect(performance.now() - began).to.be.lessThan(500)
        expect(error.code).to.equal('storage-unavailable')
        expect(error.message).to.contain('already open by another process')
        await store.put(record('a'), 'absent', op)
        expect((await refusal(withStore(file, async () => {}))).code).to.equal('storage-unavailable')
      }),
    ))

  it('is let go when opening fails', () =>
    withScratch(async file => {
      await writeFile(file, 'not a database'.repeat(100))
      expect((await refusal(withStore(file, async () => {}))).code).to.equal('storage-unavailable')
      holdLock(file).release()
    }))

  it('is let go when opening is cancelled on its way', () =>
    withScratch(async file => {
      const controller = new AbortController()
      const opening = openSqliteStore(file, quietHost(), { signal: controller.signal })
      controller.abort()
      expect((await refusal(opening)).code).to.equal('cancelled')
      await withStore(file, store => store.put(record('a'), 'absent', op))
    }))

  it('says so when the lock file is not one', () =>
    withScratch(async file => {
      await writeFile(`${file}.lock`, 'not a lock'.repeat(200))
      const error = await refusal(withStore(file, async () => {}))
      expect(error.code).to.equal('storage-unavailable')
      expect(error.message).to.contain('lock file')
    }))
})
