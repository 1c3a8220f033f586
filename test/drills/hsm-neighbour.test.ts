import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Clumsiness, NeighbourConfig } from './support/clumsy-neighbour.ts'
import { HsmSite, type Served } from './support/hsm-site.ts'

describe('a PKCS#11 module that somebody else in the process uses too, who', function () {
  this.timeout(60_000)
  let site: HsmSite
  let served: Served

  before(async () => {
    site = await HsmSite.make()
    const config: NeighbourConfig = { token: site.token, file: join(site.directory, 'clumsiness') }
    const specifier = new URL('./support/clumsy-neighbour.ts', import.meta.url).href
    served = await site.start(await site.supervision({ specifier, config }))
  })
  after(() => site[Symbol.asyncDispose]())

  for (const clumsiness of ['logs out', 'closes all sessions'] satisfies Clumsiness[]) {
    it(`${clumsiness}: calls end typed, no signature is wrong, and hosts that begin anew take over`, async () => {
      await writeFile(join(site.directory, 'clumsiness'), clumsiness)
      const load = await served.underLoad(await served.residentKey(), async () => {
        for (const pid of await served.pids()) process.kill(pid, 'SIGUSR2')
      })
      expect([...load.codes]).to.deep.equal(['hsm-unavailable'])
      expect(load.wrong).to.equal(0)
    })
  }
})
