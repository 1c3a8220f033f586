import { expect } from 'chai'
import { momentOf } from '../../src/cli/moment.ts'

const now = new Date('2030-01-31T12:00:00Z')

describe('times as people write them', () => {
  it('are amounts from now, or RFC 3339', () => {
    expect(momentOf('15m', 'ago', now).toISOString()).to.equal('2030-01-31T11:45:00.000Z')
    expect(momentOf('90d', 'ahead', now).toISOString()).to.equal('2030-05-01T12:00:00.000Z')
    expect(momentOf('2030-01-01T00:00:00+01:00', 'ago', now).toISOString()).to.equal('2029-12-31T23:00:00.000Z')
  })

  it('are nothing else', () => {
    for (const text of ['', 'soon', '7', '1w', '-1d', '2030-01-01', '2030-13-01T00:00:00Z', '2030-01-01T00:00:00'])
      expect(() => momentOf(text, 'ago', now), text).to.throw('is no time')
  })
})
