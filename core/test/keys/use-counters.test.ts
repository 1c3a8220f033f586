import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { UseCounters } from '../../src/keys/use-counters.ts'
import { Disks, op } from '../support/foundation.ts'

const limits = { block: 8, soft: 20, hard: 32 }

describe('lesson: AES-GCM use is counted and capped', () => {
  it('counts one write per block of uses', async () => {
    const disks = new Disks()
    await disks.create()
    const { repository, journal } = await disks.boot()
    const counters = new UseCounters(repository, limits)
    const before = journal.health().detail
    for (let n = 0; n < 8; n++) await counters.take('key', 1, op)
    expect(journal.health().detail).not.to.equal(before)
    const leased = journal.health().detail
    await journal.close()
    expect(leased).to.contain('4 records')
  })

  it('asks for a new version at the soft limit and refuses at the hard one, with many callers at once', async () => {
    const disks = new Disks()
    await disks.create()
    const { repository, journal } = await disks.boot()
    const counters = new UseCounters(repository, limits)
    const results = await Promise.allSettled(Array.from({ length: 64 }, () => counters.take('key', 1, op)))
    const taken = results.filter(result => result.status === 'fulfilled')
    expect(taken).to.have.length(32)
    expect(taken.filter(({ value }) => value)).to.have.length(32 - 19)
    for (const result of results) {
      if (result.status === 'rejected') expect(WarderError.is(result.reason, 'use-limit-reached')).to.equal(true)
    }
    expect(await counters.take('key', 2, op)).to.equal(false)
    await journal.close()
  })

  it('counts what a crash left unused as used', async () => {
    const disks = new Disks()
    await disks.create()
    let total = 0
    for (let boot = 0; boot < 6; boot++) {
      const { repository, journal } = await disks.boot()
      const counters = new UseCounters(repository, limits)
      const taken = await counters.take('key', 1, op).then(
        () => 1,
        () => 0,
      )
      total += taken
      await journal.close()
    }
    // Each start takes a whole block of 8; the fifth finds 32 gone.
    expect(total).to.equal(4)
  })
})
