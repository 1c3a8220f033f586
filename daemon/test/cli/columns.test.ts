import { expect } from 'chai'
import fc from 'fast-check'
import { columns, fields } from '../../src/cli/columns.ts'

const plain = { width: undefined, colour: false }

describe('tables', () => {
  it('are as wide as their widest cell, without spaces at the end', () => {
    expect(
      columns(
        ['A', 'LONGER'],
        [
          ['first', '1'],
          ['b', ''],
        ],
        plain,
      ),
    ).to.equal('A      LONGER\nfirst  1\nb\n')
  })

  it('are cut to the width of a terminal, the widest column first', () => {
    const table = columns(['NAME', 'TEXT'], [['orders', 'x'.repeat(60)]], { width: 30, colour: false })
    expect(table).to.equal(`NAME    TEXT\norders  ${'x'.repeat(21)}…\n`)
  })

  it('never are wider than the terminal, unless every column is at its narrowest', () => {
    const cell = fc.string({ unit: 'grapheme-ascii', maxLength: 50 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 }),
        fc.integer({ min: 28, max: 100 }),
        (rows, width) => {
          const lines = columns(['A', 'B', 'C'], rows, { width, colour: false }).trimEnd().split('\n')
          return lines.every(line => line.length <= width)
        },
      ),
    )
  })

  it('have colour only where it is wanted', () => {
    expect(columns(['A'], [['b']], { width: undefined, colour: true })).to.equal('\u001b[1mA\u001b[22m\nb\n')
  })

  it('never let what others wrote steer the terminal', () => {
    const hostile = 'a\u001b[2Jb\nc\u0007\u009bd'
    expect(columns(['A'], [[hostile]], plain)).to.equal('A\na [2Jb c d\n')
    expect(fields([['name', hostile]], plain)).to.equal('name  a [2Jb c d\n')
  })
})
