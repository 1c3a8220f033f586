import { expect } from 'chai'
import { mergeTables } from '../../src/config/merge.ts'

describe('mergeTables', () => {
  it('merges tables deeply, and replaces everything else as a whole', () => {
    const under = { node: 'a', hsm: { hosts: 2, config: { module: '/m' } }, plugins: { allow: ['x', 'y'] } }
    const over = { hsm: { config: { label: 'l' } }, plugins: { allow: ['z'] } }
    expect(mergeTables(under, over)).to.deep.equal({
      node: 'a',
      hsm: { hosts: 2, config: { module: '/m', label: 'l' } },
      plugins: { allow: ['z'] },
    })
  })

  it('replaces a table by a value, and a value by a table', () => {
    expect(mergeTables({ a: { b: 1 } }, { a: 2 })).to.deep.equal({ a: 2 })
    expect(mergeTables({ a: 2 }, { a: { b: 1 } })).to.deep.equal({ a: { b: 1 } })
  })

  it('keeps __proto__ as a key to be refused, and changes no prototype', () => {
    const merged = mergeTables({}, JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>)
    expect(Object.keys(merged)).to.deep.equal(['__proto__'])
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
  })
})
