import { expect } from 'chai'
import fc from 'fast-check'
import { backoffMs } from '../../src/hsm/backoff.ts'
import { route } from '../../src/hsm/routing.ts'

const hosts = fc
  .array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 8 })
  .map(loads => loads.map((load, index) => ({ index, load })))
const blob = fc.uint8Array({ minLength: 40, maxLength: 40 })

describe('routing', () => {
  it('without a sealed key gives the host with the fewest calls', () => {
    fc.assert(
      fc.property(hosts, all => {
        expect(route(all)?.load).to.equal(Math.min(...all.map(host => host.load)))
      }),
    )
  })

  it('never burdens a host by more than eight calls for the sake of its cache', () => {
    fc.assert(
      fc.property(hosts, blob, (all, key) => {
        expect(route(all, key)!.load).to.be.at.most(Math.min(...all.map(host => host.load)) + 8)
      }),
    )
  })

  it('gives a sealed key the same host while loads are alike, and moves only the keys of a host that is lost', () => {
    const idle = [0, 1, 2, 3].map(index => ({ index, load: 0 }))
    fc.assert(
      fc.property(blob, fc.nat({ max: 3 }), (key, dead) => {
        const before = route(idle, key)!.index
        const after = route(
          idle.filter(host => host.index !== dead),
          key,
        )!.index
        if (before !== dead) expect(after).to.equal(before)
        else expect(after).not.to.equal(dead)
      }),
    )
  })

  it('spreads sealed keys over the hosts', () => {
    const idle = [0, 1].map(index => ({ index, load: 0 }))
    const counts = [0, 0]
    for (let i = 0; i < 10_000; i++) {
      const key = new Uint8Array(8)
      new DataView(key.buffer).setUint32(0, i * 2654435761)
      counts[route(idle, key)!.index]!++
    }
    expect(Math.min(...counts)).to.be.above(4500)
  })

  it('has nobody to give when there is none', () => {
    expect(route([])).to.equal(undefined)
  })
})

describe('backoff', () => {
  it('doubles from the first delay to the most', () => {
    expect([0, 1, 2, 5, 6, 1000].map(failures => backoffMs(failures, 100, 5000))).to.deep.equal([
      100, 200, 400, 3200, 5000, 5000,
    ])
  })
})
