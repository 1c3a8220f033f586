import { readdir, rename } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { lockRunDirectory } from '../../src/hsm/supervisor-lock.ts'
import { makeRunDir } from './support/run-dir.ts'

describe('supervisor lock', () => {
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  beforeEach(async () => {
    dir = await makeRunDir()
  })
  afterEach(() => dir.remove())

  /** What a killed supervisor leaves: a socket that nobody listens on. */
  const leaveStale = async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(join(dir.path, 'other.sock'), resolve))
    await rename(join(dir.path, 'other.sock'), join(dir.path, 'supervisor.sock'))
    await new Promise(resolve => server.close(resolve))
  }

  for (const stale of [false, true]) {
    it(`is held by exactly one of many that come at once, ${stale ? 'over a stale socket' : 'in an empty directory'}`, async () => {
      for (let round = 0; round < 20; round++) {
        if (stale) await leaveStale()
        const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockRunDirectory(dir.path)))
        const held = tries.filter(one => one.status === 'fulfilled')
        expect(held).to.have.length(1)
        for (const one of tries) {
          if (one.status === 'rejected') expect(one.reason).to.have.property('code', 'config-invalid')
        }
        await held[0]!.value()
        expect(await readdir(dir.path)).to.deep.equal([])
      }
    })
  }
})
