import { expect } from 'chai'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { soak } from './support/soak.ts'

/** test/bench/soak.ts in short. */
describe('an appliance whose HSM hosts are killed again and again', function () {
  this.timeout(120_000)
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('gives no wrong signature, does nothing twice, and has in its journal what it answered', async () => {
    const { right, wrong, kills, outages, codes, duplicated, disagreeing } = await soak(appliance, {
      operations: 2000,
      killEveryMs: 500,
      kills: 3,
    })
    expect({ wrong, duplicated, disagreeing }).to.deep.equal({ wrong: 0, duplicated: 0, disagreeing: 0 })
    expect(right).to.be.at.least(2000)
    expect([kills, outages > 0]).to.deep.equal([3, true])
    expect(Object.keys(codes)).to.deep.equal(['hsm-unavailable'])
  })
})
