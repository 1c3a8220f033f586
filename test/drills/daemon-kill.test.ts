import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { DaemonDrill } from './support/daemon-drill.ts'
import { drillSeed, seeded } from './support/random.ts'

const kills = 10
const seed = drillSeed()

describe(`an appliance that is killed ${kills} times under HTTP load (seed ${seed})`, function () {
  this.timeout(300_000)
  let dir = ''
  let drill: DaemonDrill

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warder-drill-'))
    drill = new DaemonDrill(dir, seeded(seed))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  it('serves again each time, with a journal that verifies, and leaves no process of its HSM behind', async () => {
    for (let round = 0; round < kills; round++) await drill.round(`${round}`)
  })

  it('has everything it ever acknowledged, in the end', () => drill.checkEverything())

  it('lost nothing', function () {
    const { acknowledged, lost, slowestEndMs } = drill
    if (this.test !== undefined) {
      this.test.title =
        `${drill.kills} kills, ${acknowledged} acknowledged acts, ${lost.length} lost; ` +
        `the last process of a killed HSM ended after ${Math.round(slowestEndMs)} ms`
    }
    expect(lost).to.deep.equal([])
    expect(drill.kills).to.equal(kills)
    expect(acknowledged).to.be.greaterThan(kills)
  })
})
