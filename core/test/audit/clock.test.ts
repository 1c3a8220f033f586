import { expect } from 'chai'
import { Clock } from '../../src/audit/clock.ts'

describe('the clock of a journal', () => {
  it('tells every millisecond, also when time goes back', () => {
    const times = [
      '2026-11-21T23:50:28.917Z',
      '2026-11-21T23:50:28.917Z',
      '2026-11-21T23:50:28.918Z',
      '2026-11-21T23:50:28.917Z',
    ]
    const coming = times.map(time => new Date(time))
    const clock = new Clock(() => coming.shift() ?? new Date(0))
    expect(times.map(() => clock.now())).to.deep.equal(times)
    expect(clock.now()).to.equal('1970-01-01T00:00:00.000Z')
  })
})
