import { expect } from 'chai'
import fc from 'fast-check'
import { CallTable } from '../../src/hsm/call-table.ts'

describe('the calls of a connection', () => {
  it('are found by their ids as in a Map, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(40), { nil: undefined }), { maxLength: 200 }), steps => {
        const table = new CallTable<{ id: number }>()
        const model = new Map<number, { id: number }>()
        const given: number[] = []
        for (const step of steps) {
          if (step === undefined) {
            const call = { id: -1 }
            expect(table.add(call)).to.equal(true)
            expect(model.has(call.id), 'an id that is in use').to.equal(false)
            model.set(call.id, call)
            given.push(call.id)
          } else {
            const id = given[step] ?? step
            expect(table.delete(id)).to.equal(model.delete(id))
          }
          expect(table.size).to.equal(model.size)
          for (const id of given) expect(table.get(id)).to.equal(model.get(id))
        }
        // in any order: chai holds two sets of objects to the order of their members
        expect(table.take()).to.have.members([...model.values()])
        expect(table.size).to.equal(0)
      }),
    )
  })

  it('have ids that fit 32 bits and are not given again at once: an answer that came twice was the next call’s', () => {
    const table = new CallTable<{ id: number }>()
    const first = { id: -1 }
    table.add(first)
    const { id } = first
    table.delete(id)
    for (let round = 0; round < 5000; round++) {
      const next = { id: -1 }
      table.add(next)
      expect(next.id).to.not.equal(id)
      expect(next.id).to.be.within(0, 0xffffffff)
      expect(table.get(id)).to.equal(undefined)
      table.delete(next.id)
    }
  })

  it('are no more than there are places', () => {
    const table = new CallTable<{ id: number }>()
    const calls = Array.from({ length: 4096 }, () => ({ id: -1 }))
    expect(calls.every(call => table.add(call))).to.equal(true)
    expect(table.add({ id: -1 })).to.equal(false)
    table.delete(calls[7]!.id)
    expect(table.add({ id: -1 })).to.equal(true)
  })
})
