import { expect } from 'chai'
import { WriteGate } from '../../src/records/write-gate.ts'

/** Lets everything that is ready run. */
const settle = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

describe('the write gate', () => {
  it('lets work through side by side', async () => {
    const gate = new WriteGate()
    const ends: (() => void)[] = []
    const both = [1, 2].map(() => gate.pass(() => new Promise<void>(resolve => ends.push(resolve))))
    await settle()
    expect(ends).to.have.lengthOf(2)
    for (const end of ends) end()
    await Promise.all(both)
  })

  it('pauses when what is inside has ended, holds the rest back, and lets it through afterwards', async () => {
    const gate = new WriteGate()
    const order: string[] = []
    let endFirst = (): void => undefined
    const first = gate.pass(async () => {
      await new Promise<void>(resolve => (endFirst = resolve))
      order.push('first')
    })
    const pause = gate.pause(async () => {
      await settle()
      order.push('pause')
    })
    const second = gate.pass(async () => void order.push('second'))
    await settle()
    expect(order).to.deep.equal([])
    endFirst()
    await Promise.all([first, pause, second])
    expect(order).to.deep.equal(['first', 'pause', 'second'])
  })

  it('opens again when the pause or what is inside fails, and takes one pause after the other', async () => {
    const gate = new WriteGate()
    const failing = gate.pause(() => Promise.reject(new Error('no')))
    const after = gate.pause(async () => 'paused')
    expect(await failing.catch((error: Error) => error.message)).to.equal('no')
    expect(await after).to.equal('paused')
    expect(await gate.pass(() => Promise.reject(new Error('inside'))).catch((error: Error) => error.message)).to.equal(
      'inside',
    )
    expect(await gate.pause(async () => 'again')).to.equal('again')
  })
})
