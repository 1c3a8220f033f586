import { expect } from 'chai'
import fc from 'fast-check'
import { FairQueue, type Queued } from '../../src/hsm/fair-queue.ts'

interface Item extends Queued {
  readonly number: number
}

const tenants = ['a', 'b', 'c', 'd'] as const
const roomy = { most: 10_000, mostOfTenant: 10_000 }
const items = fc
  .array(fc.record({ tenant: fc.constantFrom(...tenants), cost: fc.integer({ min: 1, max: 100 }) }), { maxLength: 200 })
  .map(all => all.map((item, number): Item => ({ ...item, number })))

function drain(queue: FairQueue<Item>): Item[] {
  const taken: Item[] = []
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) taken.push(item)
  return taken
}

const many = (tenant: string, count: number, cost = 1): Item[] =>
  Array.from({ length: count }, (_, number) => ({ tenant, cost, number }))

describe('fair queue', () => {
  it('gives each item once, those of a tenant in the order they came', () => {
    fc.assert(
      fc.property(items, all => {
        const queue = new FairQueue<Item>(roomy)
        for (const item of all) expect(queue.push(item)).to.equal(undefined)
        expect(queue.size).to.equal(all.length)
        const taken = drain(queue)
        expect(queue.size).to.equal(0)
        for (const tenant of tenants) {
          const own = (list: readonly Item[]) => list.filter(item => item.tenant === tenant)
          expect(own(taken)).to.deep.equal(own(all))
        }
      }),
    )
  })

  it('starves nobody: while two have something waiting, what each was given differs by no more than one item', () => {
    fc.assert(
      fc.property(items, all => {
        const queue = new FairQueue<Item>(roomy)
        const left = new Map<string, number>()
        for (const item of all) {
          queue.push(item)
          left.set(item.tenant, (left.get(item.tenant) ?? 0) + 1)
        }
        const given = new Map<string, number>()
        const most = Math.max(0, ...all.map(item => item.cost))
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
          given.set(item.tenant, (given.get(item.tenant) ?? 0) + item.cost)
          left.set(item.tenant, left.get(item.tenant)! - 1)
          const waiting = [...left].filter(([, count]) => count > 0).map(([tenant]) => given.get(tenant) ?? 0)
          expect(Math.max(...waiting) - Math.min(...waiting)).to.be.at.most(waiting.length === 0 ? -Infinity : most)
          if (waiting.length === 0) break
        }
      }),
    )
  })

  it('serves a newcomer next, however much another has waiting, and however long that has gone on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 1000 }), (before, cost) => {
        const queue = new FairQueue<Item>(roomy)
        for (const item of many('busy', 500)) queue.push(item)
        for (let n = 0; n < before; n++) queue.shift()
        queue.push({ tenant: 'quiet', cost, number: 0 })
        const place = drain(queue).findIndex(item => item.tenant === 'quiet')
        expect(place).to.be.at.most(1)
      }),
    )
  })

  it('weighs by cost: sixty of cost 1 for one of cost 60', () => {
    const queue = new FairQueue<Item>(roomy)
    for (const item of many('heavy', 10, 60)) queue.push(item)
    for (const item of many('light', 600)) queue.push(item)
    const taken = drain(queue)
    for (let heavy = 1; heavy <= 9; heavy++) {
      const at = taken.findIndex(item => item.tenant === 'heavy' && item.number === heavy)
      const light = taken.slice(0, at).filter(item => item.tenant === 'light').length
      expect(light).to.be.within(heavy * 60 - 1, heavy * 60 + 1)
    }
  })

  it('does not let a tenant save up turns, nor get around what it was given by leaving for a moment', () => {
    const queue = new FairQueue<Item>(roomy)
    for (const item of many('busy', 300)) queue.push(item)
    let served = 0
    let number = 0
    let waits = false
    for (let n = 0; n < 200; n++) {
      // it has one waiting at any time, and never more
      if (!waits) queue.push({ tenant: 'hasty', cost: 10, number: number++ })
      waits = true
      const item = queue.shift()!
      if (item.tenant !== 'hasty') continue
      waits = false
      served++
    }
    expect(served).to.be.within(18, 20)
  })

  it('when full refuses those with the most waiting, newest first, and nobody for what others have there', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 30 }), (all, most) => {
        const queue = new FairQueue<Item>({ most, mostOfTenant: most })
        const held = new Map<string, number>(tenants.map(tenant => [tenant, 0]))
        for (const item of all) {
          const before = new Map(held)
          const refused = queue.push(item)
          held.set(item.tenant, held.get(item.tenant)! + 1)
          if (refused !== undefined) {
            held.set(refused.tenant, held.get(refused.tenant)! - 1)
            expect([...before.values()].reduce((sum, count) => sum + count, 0)).to.equal(most)
            expect(held.get(refused.tenant)! + 1).to.be.at.least(Math.max(...before.values()))
          }
          expect(queue.size).to.equal([...held.values()].reduce((sum, count) => sum + count, 0))
          expect(queue.size).to.be.at.most(most)
        }
        const taken = drain(queue)
        for (const [tenant, count] of held) {
          expect(taken.filter(item => item.tenant === tenant)).to.have.length(count)
        }
      }),
    )
  })

  it('bounds each tenant by itself', () => {
    const queue = new FairQueue<Item>({ most: 100, mostOfTenant: 3 })
    const [first, second, third, fourth] = many('a', 4)
    for (const item of [first, second, third]) expect(queue.push(item!)).to.equal(undefined)
    expect(queue.push(fourth!)).to.equal(fourth)
    expect(queue.push(many('b', 1)[0]!)).to.equal(undefined)
    queue.put(fourth!)
    expect(queue.size).to.equal(5)
  })

  it('forgets what is taken out, wherever it stood, and goes on as if it had never come', () => {
    fc.assert(
      fc.property(items, fc.func(fc.boolean()), (all, chosen) => {
        const queue = new FairQueue<Item>(roomy)
        for (const item of all) queue.push(item)
        const out = new Set(all.filter(item => chosen(item.number)))
        for (const item of out) {
          expect(queue.delete(item)).to.equal(true)
          expect(queue.delete(item)).to.equal(false)
        }
        const rest = all.filter(item => !out.has(item))
        expect(queue.size).to.equal(rest.length)
        const taken = drain(queue)
        expect(taken).to.have.length(rest.length)
        for (const tenant of tenants) {
          const own = (list: readonly Item[]) => list.filter(item => item.tenant === tenant)
          expect(own(taken)).to.deep.equal(own(rest))
        }
      }),
    )
  })

  it('stays in order through any mixture of coming, going and being served', () => {
    const acts = fc.array(
      fc.record({
        act: fc.constantFrom('push', 'push', 'shift', 'delete'),
        tenant: fc.constantFrom(...tenants),
        cost: fc.integer({ min: 1, max: 50 }),
        which: fc.nat(),
      }),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(acts, all => {
        const queue = new FairQueue<Item>(roomy)
        const here: Item[] = []
        for (const [number, { act, tenant, cost, which }] of all.entries()) {
          if (act === 'push') {
            const item = { tenant, cost, number }
            queue.push(item)
            here.push(item)
          } else if (act === 'shift') {
            const item = queue.shift()
            expect(item === undefined).to.equal(here.length === 0)
            if (item === undefined) continue
            expect(here.find(one => one.tenant === item.tenant)).to.equal(item)
            here.splice(here.indexOf(item), 1)
          } else if (here.length > 0) {
            const [item] = here.splice(which % here.length, 1)
            expect(queue.delete(item!)).to.equal(true)
          }
          expect(queue.size).to.equal(here.length)
        }
      }),
    )
  })

  describe('with lanes', () => {
    const only = (open: number) => (lane: number) => lane === open
    const laned = items.chain(all =>
      fc
        .array(fc.integer({ min: 0, max: 3 }), { minLength: all.length, maxLength: all.length })
        .map(lanes => all.map((item, index): Item => ({ ...item, lane: lanes[index]! }))),
    )

    it('gives each item once and in order, and weighs a tenant by what it was given in all of them', () => {
      fc.assert(
        fc.property(laned, all => {
          const queue = new FairQueue<Item>(roomy)
          for (const item of all) queue.push(item)
          const left = [...all]
          const given = new Map<string, number>()
          const most = Math.max(0, ...all.map(item => item.cost))
          for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
            const first = left.find(other => other.tenant === item?.tenant && other.lane === item.lane)
            expect(item).to.equal(first)
            left.splice(left.indexOf(item), 1)
            given.set(item.tenant, (given.get(item.tenant) ?? 0) + item.cost)
            const waiting = [...new Set(left.map(({ tenant }) => tenant))].map(tenant => given.get(tenant) ?? 0)
            if (waiting.length > 0) expect(Math.max(...waiting) - Math.min(...waiting)).to.be.at.most(most)
          }
          expect(left).to.deep.equal([])
        }),
      )
    })

    it('holds up nothing of one lane behind what waits in another', () => {
      const queue = new FairQueue<Item>(roomy)
      for (const item of many('a', 50)) queue.push({ ...item, lane: 1 })
      queue.push({ tenant: 'a', cost: 1, number: 99, lane: 2 })
      expect(queue.shift(only(2))?.number).to.equal(99)
      expect(queue.shift(only(2))).to.equal(undefined)
      expect([queue.size, queue.sizeOf(1), queue.sizeOf(2)]).to.deep.equal([50, 50, 0])
    })

    it('owes a tenant nothing for the time in which its lane was closed', () => {
      const queue = new FairQueue<Item>(roomy)
      for (const item of many('late', 100)) queue.push({ ...item, lane: 1 })
      for (const item of many('busy', 1000)) queue.push({ ...item, lane: 2 })
      for (let taken = 0; taken < 500; taken++) queue.shift(only(2))
      const next = Array.from({ length: 20 }, () => queue.shift()?.tenant)
      expect(next.filter(tenant => tenant === 'late').length).to.be.within(9, 11)
    })

    it('bounds each lane by itself: what waits for one thing takes no place of what waits for another', () => {
      const queue = new FairQueue<Item>({ most: 3, mostOfTenant: 2 })
      const [one, two, three] = many('a', 3)
      expect(queue.push({ ...one!, lane: 1 })).to.equal(undefined)
      expect(queue.push({ ...two!, lane: 1 })).to.equal(undefined)
      expect(queue.push({ ...three!, lane: 1 })).not.to.equal(undefined)
      expect(queue.push({ ...three!, lane: 2 })).to.equal(undefined)
    })
  })
})
