import { expect } from 'chai'
import type { JournalRecord } from '../../src/audit/event.ts'
import { noteSince, nothingSince } from '../../src/recovery/restrictive-acts.ts'

const record = (more: Partial<JournalRecord>): JournalRecord =>
  ({ ts: 't', actor: 'ada', action: 'key:revoke', subject: { name: 'k' }, result: 'ok', ...more }) as JournalRecord
const intent = (seq: number): JournalRecord => record({ seq, phase: 'intent' })
const outcome = (seq: number, of: number, applied: number, more: Partial<JournalRecord> = {}): JournalRecord =>
  record({ seq, phase: 'outcome', intent: of, applied, ...more })

function actsIn(...records: readonly JournalRecord[]): readonly (readonly [number, unknown])[] {
  const since = nothingSince()
  for (const each of records) noteSince(since, each)
  return since.acts.map(({ seq, subject }) => [seq, subject['name']])
}

describe('what was taken away since a backup', () => {
  it('is what was made, also where a crash came before the outcome', () => {
    const settled = { result: 'settled', subject: { settled: '1 of 1' } }
    expect(actsIn(intent(1), outcome(2, 1, 1))).to.deep.equal([[1, 'k']])
    expect(actsIn(intent(1), outcome(2, 1, 1, settled))).to.deep.equal([[1, 'k']])
    expect(actsIn(intent(1))).to.deep.equal([[1, 'k']])
  })

  it('is not what was not made', () => {
    expect(
      actsIn(intent(1), intent(2), outcome(3, 1, 0, { result: 'stale-revision' }), outcome(4, 2, 1)),
    ).to.deep.equal([[2, 'k']])
    expect(actsIn(record({ seq: 1, phase: 'event', result: 'forbidden' }))).to.deep.equal([])
  })

  it('leaves the rest to be counted', () => {
    const since = nothingSince()
    const sign = { action: 'key:sign', phase: 'event' } as const
    for (const seq of [1, 2]) noteSince(since, record({ ...sign, seq }))
    noteSince(since, record({ ...sign, seq: 3, result: 'forbidden' }))
    expect([...since.others]).to.deep.equal([['key:sign', 2]])
  })
})
