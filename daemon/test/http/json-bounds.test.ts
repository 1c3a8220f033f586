import { expect } from 'chai'
import fc from 'fast-check'
import { batchJsonBounds, checkJsonBounds, jsonBounds } from '../../src/http/json-bounds.ts'

const check = (text: string): void => checkJsonBounds(Buffer.from(text), jsonBounds)

/** The same question asked of the parsed value. */
function measure(value: unknown): { depth: number; keys: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, keys: 0 }
  const inner = Object.values(value).map(measure)
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    keys: own + inner.reduce((sum, { keys }) => sum + keys, 0),
  }
}

describe('the bounds of JSON', () => {
  it('agree with the parsed value about depth and members, whatever the strings contain', () => {
    const bounds = { depth: 3, keys: 4, values: 1000, nameBytes: 1000 }
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), value => {
        const { depth, keys } = measure(value)
        const run = () => checkJsonBounds(Buffer.from(JSON.stringify(value)), bounds)
        if (depth > bounds.depth || keys > bounds.keys) expect(run).to.throw()
        else expect(run).to.not.throw()
      }),
    )
  })

  it('are not taken in by brackets, quotes and backslashes in strings', () => {
    expect(() => check(JSON.stringify({ a: '[{"\\'.repeat(100), b: '\\\\"' }))).to.not.throw()
    expect(() => check(`"\\"${'['.repeat(100)}"`)).to.not.throw()
    expect(() => check(`"\\\\"${'['.repeat(100)}`)).to.throw()
  })

  it('leave what is not JSON to the parser', () => {
    for (const text of ['', '"', '"\\', '}}}}', '::', '\u0000']) expect(() => check(text)).to.not.throw()
  })

  it('take about as long for any text of the largest size', () => {
    const shortest = (piece: string): number => {
      const text = Buffer.from(piece.repeat((2 * 1024 * 1024) / piece.length))
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now()
        try {
          checkJsonBounds(text, batchJsonBounds)
        } catch {
          // Refusing is as good: what counts here is the time.
        }
        return performance.now() - start
      })
      return Math.min(...times)
    }
    const plain = shortest('a')
    // Going back over the text even once for each character would take millions of times as long.
    for (const piece of ['"', '\\', '"\\"', '[]', '{}', '1,']) expect(shortest(piece) / plain, piece).to.be.below(100)
  })
})
