import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { metered } from '../../src/metrics/metered.ts'

class Service {
  readonly size = 3
  #count = 0
  get count(): number {
    return this.#count
  }
  async add(by: number): Promise<number> {
    if (by < 0) throw new WarderError('malformed-request', 'no')
    if (by === 0) throw new Error('defect')
    this.#count += by
    return this.#count
  }
  async other(): Promise<number> {
    return this.add(1)
  }
  now(): number {
    return this.#count
  }
}

describe('a metered service', () => {
  const seen: (readonly [string, string])[] = []
  const service = new Service()
  const timed = metered(service, ['add'], (call, outcome, seconds) => {
    expect(seconds).to.be.within(0, 1)
    seen.push([call, outcome])
  })

  it('answers and fails as the service does, and tells of each call', async () => {
    expect(await timed.add(2)).to.equal(2)
    expect(await timed.add(-1).catch((error: unknown) => WarderError.is(error, 'malformed-request'))).to.equal(true)
    expect(await timed.add(0).catch((error: unknown) => String(error))).to.equal('Error: defect')
    expect(seen).to.deep.equal([
      ['add', 'ok'],
      ['add', 'malformed-request'],
      ['add', 'internal'],
    ])
  })

  it('counts the time before the service first waits', async () => {
    let took = 0
    const busy = {
      async work(): Promise<void> {
        const until = performance.now() + 20
        while (performance.now() < until);
      },
    }
    await metered(busy, ['work'], (_, __, seconds) => (took = seconds)).work()
    expect(took).to.be.at.least(0.02)
  })

  it('leaves everything else alone: private members, values, methods that are not timed', async () => {
    seen.length = 0
    expect(timed.size).to.equal(3)
    expect(timed.now()).to.equal(timed.count)
    await timed.other()
    expect(timed.count).to.equal(3)
    expect(seen).to.deep.equal([])
    expect(timed).to.be.instanceOf(Service)
  })
})
