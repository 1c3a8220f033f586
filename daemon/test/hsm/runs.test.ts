import type { KeyRef } from '@warder/contract'
import { expect } from 'chai'
import { maxRun, maxRunBytes, RunCollector, wireRun } from '../../src/hsm/runs.ts'
import { sameRef } from '../../src/hsm/same-ref.ts'

const resident: KeyRef = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ab'.repeat(16) }
const sealed: KeyRef = {
  custody: 'sealed',
  algorithm: 'P-256',
  usage: 'sign',
  exportable: false,
  rootKey: 1,
  blob: Buffer.alloc(160, 1),
  spki: Buffer.alloc(91, 2),
}
const call = (id: number) => ({ id, sentAt: 10, timeLeft: (now: number) => 5000 - now })
const digest = new Uint8Array(32)

describe('runs', () => {
  let runs: RunCollector<ReturnType<typeof call>>
  const put = (id: number, change: { op?: string; ref?: KeyRef; common?: string | null; input?: Uint8Array } = {}) => {
    const { op = 'sign', ref = { ...resident }, common = 'ES256', input = digest } = change
    runs.put(call(id), op, ref, common, [input])
  }
  const taken = () => runs.take().map(run => [...run.calls.keys()])

  beforeEach(() => {
    runs = new RunCollector()
  })

  it('hold the calls that do the same with the same key, in the order they came', () => {
    for (let id = 1; id <= 4; id++) put(id)
    expect(runs.take().map(wireRun)).to.deep.equal([
      ['sign', resident, 'ES256', [1, 2, 3, 4].map(id => [id, 4990, digest])],
    ])
    expect(taken()).to.deep.equal([])
  })

  it('keep apart what is of another key, another command or another algorithm', () => {
    put(1)
    put(2, { ref: { ...resident, id: 'cd'.repeat(16) } })
    put(3, { ref: { ...resident, identity: Buffer.alloc(91) } })
    put(4, { op: 'mac' })
    put(5, { common: null })
    put(6)
    expect(taken()).to.deep.equal([[1, 6], [2], [3], [4], [5]])
  })

  it('are bounded in calls and in bytes', () => {
    for (let id = 0; id <= maxRun; id++) put(id)
    expect(taken().map(run => run.length)).to.deep.equal([maxRun, 1])
    for (let id = 0; id < 3; id++) put(id, { input: new Uint8Array(maxRunBytes / 2) })
    put(9, { input: new Uint8Array(2 * maxRunBytes) })
    expect(taken()).to.deep.equal([[0, 1], [2], [9]])
  })

  it('give back a call that is not to leave any more', () => {
    put(1)
    put(2)
    put(3, { op: 'mac' })
    expect([runs.delete(call(1)), runs.delete(call(3)), runs.delete(call(3))]).to.deep.equal([true, true, false])
    expect(taken()).to.deep.equal([[2]])
  })

  it('are of one key only when every member of its references is the same', () => {
    expect(sameRef(sealed, { ...sealed, blob: Buffer.alloc(160, 1), spki: new Uint8Array(91).fill(2) })).to.equal(true)
    const { spki, ...without } = sealed
    for (const other of [
      resident,
      without,
      { ...sealed, algorithm: 'P-384' },
      { ...sealed, usage: 'derive' },
      { ...sealed, exportable: true },
      { ...sealed, rootKey: 2 },
      { ...sealed, blob: Buffer.alloc(160, 3) },
      { ...sealed, blob: Buffer.alloc(159, 1) },
      { ...without, checkValue: spki },
      { ...sealed, another: 1 },
    ] as KeyRef[]) {
      expect([sameRef(sealed, other), sameRef(other, sealed)]).to.deep.equal([false, false])
    }
  })
})
