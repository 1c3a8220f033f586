import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietHost } from '@warder/testkit'
import { expect } from 'chai'
import { LifecycleDrill } from './support/lifecycle-drill.ts'
import { drillSeed, seeded } from './support/random.ts'

/** How often each act is to be met by a kill. All of them run at once, so a kill meets several. */
const meetings = Number(process.env['WARDER_DRILL_KILLS'] ?? 50)
const seed = drillSeed()

describe(`an engine that is killed while it rotates, rolls back, destroys and restores keys (seed ${seed})`, function () {
  this.timeout(600_000)
  let place = ''
  let drills: readonly LifecycleDrill[] = []

  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'warder-drill-'))
    drills = [0, 1].map(lane => new LifecycleDrill(join(place, String(lane)), seeded(seed + lane)))
    // one after the other: making a token loads the module in this process
    for (const drill of drills) await drill.start(quietHost().log)
  })
  after(async () => {
    await allOf(drills.map(drill => drill.stop()))
    await rm(place, { recursive: true, force: true })
  })

  const sum = (of: (drill: LifecycleDrill) => number): number => drills.reduce((total, drill) => total + of(drill), 0)
  const met = (): Readonly<Record<string, number>> => ({
    rotate: sum(({ interrupted }) => interrupted.rotate),
    rollback: sum(({ interrupted }) => interrupted.rollback),
    'destroy or restore': sum(({ interrupted: { destroy, restore, enable } }) => destroy + restore + enable),
    'root key rotation': sum(({ interrupted }) => interrupted.rootKey),
  })

  it(`has every key in a state that is documented, after ${meetings} kills in the middle of each act`, () =>
    allOf(
      drills.map(async drill => {
        while (Math.min(...Object.values(met())) < meetings && drill.kills < 2 * meetings) await drill.round()
      }),
    ))

  it('goes on with the rotation of the root key to its end', () => allOf(drills.map(drill => drill.finish())))

  it('left nothing in between', function () {
    const { test } = this
    if (test !== undefined) {
      const told = Object.entries({ ...met(), 'the purge after a window': sum(({ interrupted }) => interrupted.purge) })
      test.title =
        `${sum(({ kills }) => kills)} kills, in the middle of ` +
        `${told.map(([act, times]) => `${act} ${times} times`).join('; ')}; ` +
        `${sum(({ acknowledged }) => acknowledged)} acknowledged acts, ${sum(({ settled }) => settled)} changes settled`
    }
    expect(drills.flatMap(({ wrong }) => wrong)).to.deep.equal([])
    expect(Math.min(...Object.values(met()))).to.be.at.least(meetings)
  })
})

/** Waits for all, so that a failure of one leaves no other behind. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}
