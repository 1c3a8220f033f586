import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietHost } from '@warder/testkit'
import { expect } from 'chai'
import { EngineDrill } from './support/engine-drill.ts'
import { drillSeed, seeded } from './support/random.ts'

const kills = Number(process.env['WARDER_DRILL_KILLS'] ?? 100)
const seed = drillSeed()

describe(`an engine that is killed ${kills} times under load (seed ${seed})`, function () {
  this.timeout(600_000)
  let place = ''
  let drills: readonly EngineDrill[] = []

  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'warder-drill-'))
    drills = await Promise.all(
      [0, 1].map(async lane => {
        const dir = join(place, String(lane))
        await mkdir(join(dir, 'journal'), { recursive: true, mode: 0o700 })
        return new EngineDrill(dir, seeded(seed + lane))
      }),
    )
    // one after the other: making a token loads the module in this process
    for (const drill of drills) await drill.start(quietHost().log)
  })
  after(async () => {
    await allOf(drills.map(drill => drill.stop()))
    await rm(place, { recursive: true, force: true })
  })

  it('starts again each time, with a journal that verifies', () =>
    allOf(drills.map((drill, lane) => drill.run(Math.ceil((kills - lane) / drills.length)))))

  it('has everything it ever acknowledged, in the end', () => allOf(drills.map(drill => drill.checkEverything())))

  it('lost nothing', function () {
    const sum = (of: (drill: EngineDrill) => number): number => drills.reduce((total, drill) => total + of(drill), 0)
    const acts = sum(drill => drill.acknowledged)
    const lost = drills.flatMap(drill => drill.lost)
    const { test } = this
    if (test !== undefined) {
      test.title =
        `${sum(drill => drill.kills)} kills (${sum(drill => drill.startKills)} while starting), ` +
        `${acts} acknowledged acts, ${lost.length} lost; ${sum(drill => drill.settled)} changes settled, ` +
        `${sum(drill => drill.torn)} batches cut short`
    }
    expect(lost).to.deep.equal([])
    expect(sum(drill => drill.kills)).to.equal(kills)
    expect(acts).to.be.greaterThan(kills)
  })
})

/** Waits for all, so that a failure of one leaves no other behind. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
