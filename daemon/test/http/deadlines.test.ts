import { expect } from 'chai'
import { Deadlines } from '../../src/http/deadlines.ts'

describe('deadlines that are all the same time away', () => {
  it('pass in their order, each at its own time, and not when lifted before', async () => {
    const deadlines = new Deadlines(40)
    const began = performance.now()
    const passed: { name: string; ms: number }[] = []
    const last = new Promise<void>(resolve => {
      const note = (name: string) => (): void => {
        passed.push({ name, ms: performance.now() - began })
        if (name === 'third') resolve()
      }
      deadlines.set(note('first'))
      deadlines.lift(deadlines.set(note('second')))
      setTimeout(() => deadlines.set(note('third')), 25)
    })
    // the timers of deadlines keep nothing alive
    const alive = setInterval(() => {}, 1000)
    await last
    clearInterval(alive)
    expect(passed.map(({ name }) => name)).to.deep.equal(['first', 'third'])
    expect(passed[0]?.ms).to.be.at.least(40)
    expect(passed[1]?.ms).to.be.at.least(64)
  })

  it('are watched again after a time in which there were none', async () => {
    const deadlines = new Deadlines(10)
    const alive = setInterval(() => {}, 1000)
    for (let round = 0; round < 2; round++) await new Promise<void>(resolve => deadlines.set(resolve))
    clearInterval(alive)
  })
})
