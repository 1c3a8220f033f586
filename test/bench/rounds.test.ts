import { expect } from 'chai'
import fc from 'fast-check'
import { estimate, orderOf, quantile } from './rounds.ts'

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('the rounds of a benchmark', () => {
  it('give the median, and all of seven rounds as the interval that holds it', () => {
    expect(estimate([3, 1, 2, 9, 4, 5, 8])).to.deep.equal({ value: 4, low: 1, high: 9 })
    expect(estimate([2, 1])).to.deep.equal({ value: 1.5, low: 1, high: 2 })
  })

  it('leave out of the interval what 95% allows: the outer two of ten on each side would be too many', () => {
    const { low, high } = estimate([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect([low, high]).to.deep.equal([2, 9])
    const twenty = Array.from({ length: 20 }, (_, at) => at + 1)
    expect(estimate(twenty)).to.deep.equal({ value: 10.5, low: 6, high: 15 })
  })

  it('give an interval around the median, of values that were seen, in whatever order they came', () => {
    fc.assert(
      fc.property(numbers, values => {
        const { value, low, high } = estimate(values)
        expect(low).to.be.at.most(value)
        expect(high).to.be.at.least(value)
        expect(values).to.include.members([low, high])
        expect(estimate([...values].reverse())).to.deep.equal({ value, low, high })
      }),
    )
  })

  it('are refused when there are none, or one failed to give a number', () => {
    expect(() => estimate([])).to.throw(TypeError)
    expect(() => estimate([1, Number.NaN])).to.throw(TypeError)
  })

  it('run forwards and backwards in turn', () => {
    expect([0, 1, 2].map(round => orderOf(['a', 'b', 'c'], round).join(''))).to.deep.equal(['abc', 'cba', 'abc'])
  })

  it('have quantiles between the values', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).to.equal(2.5)
    expect(quantile([1, 2, 3], 1)).to.equal(3)
    expect(quantile([], 0.5)).to.equal(0)
  })
})
