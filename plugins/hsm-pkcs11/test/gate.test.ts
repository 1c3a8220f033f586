import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import { Gate } from '../src/gate.ts'
import { refusal } from './support.ts'

describe('the gate', () => {
  it('never lets more through than its limit, serves in order, and loses no place to cancelled or failed ones', async () => {
    const fate = fc.constantFrom('done', 'failed', 'cancelled' as const)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fate, { maxLength: 30 }), async (limit, fates) => {
        const gate = new Gate(limit)
        const started: number[] = []
        let running = 0
        const calls = fates.map((end, index) => {
          const leaving = new AbortController()
          const call = gate.run(leaving.signal, async () => {
            started.push(index)
            running++
            expect(running).to.be.at.most(limit)
            await Promise.resolve()
            running--
            if (end === 'failed') throw new Error('failed')
          })
          return { call, end, leaving }
        })
        for (const { end, leaving } of calls) if (end === 'cancelled') leaving.abort()
        const settled = await Promise.allSettled(calls.map(({ call }) => call))
        expect(started).to.deep.equal(started.toSorted((a, b) => a - b))
        for (const [index, result] of settled.entries()) {
          const expected = fates[index] === 'cancelled' && !started.includes(index) ? 'cancelled' : fates[index]
          if (result.status === 'fulfilled') expect(expected).to.be.oneOf(['done', 'cancelled'])
          else expect(WarderError.is(result.reason, 'cancelled') ? 'cancelled' : 'failed').to.equal(expected)
        }
        // every place is free again
        await Promise.all(Array.from({ length: limit }, () => gate.run(undefined, () => undefined)))
      }),
    )
  })

  it('turns away a caller that is cancelled already, without running it', async () => {
    const gate = new Gate(1)
    const call = gate.run(AbortSignal.abort(), () => expect.fail('ran'))
    expect((await refusal(call)).code).to.equal('cancelled')
  })

  it('narrowed while it is full, lets nobody in until fewer are inside, and then all who wait', async () => {
    const gate = new Gate(4)
    let inside = 0
    let most = 0
    const call = (): Promise<void> =>
      gate.run(undefined, async () => {
        most = Math.max(most, ++inside)
        await new Promise(resolve => setImmediate(resolve))
        inside--
      })
    const calls = Array.from({ length: 20 }, call)
    expect(most).to.equal(4)
    gate.narrow(2)
    gate.narrow(3)
    await Promise.all(calls.slice(0, 4))
    most = 0
    await Promise.all(calls)
    expect(most).to.equal(2)
  })
})
