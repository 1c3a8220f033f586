import { expect } from 'chai'
import fc from 'fast-check'
import { editDistance, suggest } from '../../src/config/suggest.ts'

describe('suggest', () => {
  for (const [slip, meant] of [
    ['dataDri', 'dataDir'],
    ['datadir', 'dataDir'],
    ['lsiten', 'listen'],
    ['lisen', 'listen'],
    ['listenn', 'listen'],
    ['storge', 'storage'],
    ['hms', 'hsm'],
  ] as const)
    it(`takes ${slip} for ${meant}`, () => {
      expect(suggest(slip, ['node', 'dataDir', 'listen', 'storage', 'hsm', 'tls'])).to.equal(meant)
    })

  it('says nothing when nothing is near', () => {
    expect(suggest('colour', ['node', 'dataDir', 'listen'])).to.equal(undefined)
  })

  it('counts a swap of neighbours as one', () => {
    expect(editDistance('ab', 'ba')).to.equal(1)
    expect(editDistance('ca', 'abc')).to.equal(3)
  })

  it('is a distance: nothing from itself, the same both ways, at most the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        const distance = editDistance(a, b)
        expect(editDistance(a, a)).to.equal(0)
        expect(editDistance(b, a)).to.equal(distance)
        expect(distance).to.be.at.most(Math.max(a.length, b.length))
        expect(distance === 0).to.equal(a === b)
      }),
    )
  })
})
