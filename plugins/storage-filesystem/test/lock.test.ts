import { expect } from 'chai'
import { symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { quietHost } from '@warder/testkit'
import { openFilesystemStore } from '../src/filesystem-store.ts'
import { op, record, refusal, withStore } from './store.ts'
import { withScratch } from './scratch.ts'

/** Other processes, and what SIGKILL leaves of them, are in the conformance suite. */
describe('the lock of a filesystem store', () => {
  it('refuses a second store at once, says why, and does not disturb the first', () =>
    withScratch(directory =>
      withStore(directory, async store => {
        const error = await refusal(withStore(directory, async () => {}))
        expect(error.code).to.equal('storage-unavailable')
        expect(error.message).to.contain('already open by another process')
        await store.put(record('a'), 'absent', op)
        expect((await refusal(withStore(directory, async () => {}))).code).to.equal('storage-unavailable')
      }),
    ))

  it('is one by whatever path the directory is reached', () =>
    withScratch(async directory => {
      await withStore(directory, async () => {
        const alias = join(dirname(directory), 'alias')
        await symlink(directory, alias)
        const error = await refusal(withStore(alias, async () => {}))
        expect(error.message).to.contain('already open by another process')
      })
    }))

  it('is let go when opening fails', () =>
    withScratch(async directory => {
      await withStore(directory, async () => {})
      await writeFile(join(directory, 'FORMAT'), 'warder-storage-filesystem 2\n')
      const error = await refusal(withStore(directory, async () => {}))
      expect(error.message).to.contain('does not know')
      await writeFile(join(directory, 'FORMAT'), 'warder-storage-filesystem 1\n')
      await withStore(directory, async () => {})
    }))

  it('is let go when opening is cancelled on its way', () =>
    withScratch(async directory => {
      const controller = new AbortController()
      const opening = openFilesystemStore(directory, quietHost(), { signal: controller.signal })
      controller.abort()
      expect((await refusal(opening)).code).to.equal('cancelled')
      await withStore(directory, store => store.put(record('a'), 'absent', op))
    }))
})
