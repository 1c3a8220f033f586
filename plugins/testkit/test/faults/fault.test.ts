import { expect } from 'chai'
import fc from 'fast-check'
import { decide, type Direction, type Fault } from '../../src/faults/fault.ts'

const directions = fc.constantFrom<Direction>('to-server', 'to-client')
const count = fc.nat(1000)
const faults = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<Fault>({ kind: 'cut' }, { kind: 'refuse' }, { kind: 'stall' }, { kind: 'drop-answers' }),
  fc.record({ kind: fc.constant('stall' as const), direction: directions }),
  fc.record({ kind: fc.constant('cut-after' as const), direction: directions, bytes: count }),
  fc.record({ kind: fc.constant('dribble' as const), bytes: fc.integer({ min: 1, max: 1000 }) }),
)

describe('what a fault does to bytes', () => {
  it('never hands over more than there are, and always gets on', () => {
    fc.assert(
      fc.property(faults, directions, count, count, (fault, direction, passed, waiting) => {
        const step = decide(fault, direction, passed, waiting)
        if (step.kind !== 'pass') return
        expect(step.bytes).to.be.at.most(waiting)
        if (waiting > 0) expect(step.bytes).to.be.greaterThan(0)
      }),
    )
  })

  it('cut-after hands over exactly as many as it says, however they come', () => {
    fc.assert(
      fc.property(directions, count, fc.array(fc.integer({ min: 1, max: 300 })), (direction, bytes, pieces) => {
        const fault: Fault = { kind: 'cut-after', direction, bytes }
        let passed = 0
        let isCut = false
        for (const piece of pieces) {
          const step = decide(fault, direction, passed, piece)
          if (step.kind === 'pass') passed += step.bytes
          isCut = step.kind === 'cut' || (step.kind === 'pass' && step.after === 'cut')
          if (isCut) break
        }
        const sent = pieces.reduce((sum, piece) => sum + piece, 0)
        expect(passed).to.equal(Math.min(sent, bytes))
        expect(isCut).to.equal(sent > 0 && sent >= bytes)
      }),
    )
  })

  it('leaves the other direction alone', () => {
    for (const kind of ['stall', 'cut-after'] as const) {
      const fault: Fault = { kind, direction: 'to-client', bytes: 3 }
      expect(decide(fault, 'to-server', 0, 10)).to.deep.equal({ kind: 'pass', bytes: 10, after: 'go-on' })
    }
  })
})
