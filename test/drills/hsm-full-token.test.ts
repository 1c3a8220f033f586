import { randomBytes } from 'node:crypto'
import { cp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GeneratedKey } from '@warder/contract'
import { expect } from 'chai'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { HsmSite, type Served } from './support/hsm-site.ts'

const pageBytes = 4096

describe('a token that is full', function () {
  this.timeout(60_000)
  let site: HsmSite
  let disk: SmallDisk
  let served: Served

  before(async () => {
    site = await HsmSite.make()
    const tokens = join(site.directory, 'token', 'tokens')
    disk = await mountSmallDisk(tokens, 1024)
    await cp(tokens, disk.directory, { recursive: true })
    served = await site.start(await site.supervision(), disk.within)
  })
  after(async () => {
    await site[Symbol.asyncDispose]()
    await disk[Symbol.asyncDispose]()
  })

  const filler = (): string => join(disk.directory, 'filler')

  async function fillButFor(pages: number): Promise<void> {
    const file = await open(filler(), 'w')
    try {
      for (const page = Buffer.alloc(pageBytes); ;) await file.write(page)
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC')
      const { size } = await file.stat()
      await file.truncate(size - pages * pageBytes)
    } finally {
      await file.close()
    }
  }

  for (const pages of [0, 1, 3]) {
    it(`but for ${pages} pages: refuses what it cannot keep whole, keeps nothing of it, and signs on`, async () => {
      const made: GeneratedKey[] = [await served.residentKey()]
      const refused: string[] = []
      const hosts = await served.pids()
      await fillButFor(pages)
      const load = await served.signing(made[0]!, async () => {
        while (refused.length < 3) {
          const id = randomBytes(16).toString('hex')
          try {
            made.push(await served.residentKey(id))
          } catch (error) {
            expect((error as { code?: unknown }).code).to.equal('hsm-failed')
            refused.push(id)
          }
        }
      })
      expect([load.wrong, load.failed]).to.deep.equal([0, 0])
      expect(await served.pids()).to.deep.equal(hosts)

      await rm(filler())
      for (const id of refused) made.push(await served.residentKey(id))
      for (const key of made) expect((await served.signing(key, async () => undefined)).wrong).to.equal(0)
    })
  }
})
