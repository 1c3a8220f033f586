import { expect } from 'chai'
import fc from 'fast-check'
import { fileNameOf, isShard, isTemporary, temporaryName } from '../src/file-name.ts'

describe('the file name of an id', () => {
  it('can be read where the id is plain', () => {
    expect(fileNameOf('payments-2024.signing_key').name).to.equal('payments-2024.signing_key')
    expect(fileNameOf('Key A').name).to.equal('%4bey%20%41')
    expect(fileNameOf('ü/..').name).to.equal('%c3%bc%2f..')
  })

  it('is never hidden, special or a temporary one', () => {
    expect(fileNameOf('.').name).to.equal('%2e')
    expect(fileNameOf('..').name).to.equal('%2e.')
    expect(isTemporary(fileNameOf(temporaryName(1)).name)).to.equal(false)
    expect(isTemporary(temporaryName(1))).to.equal(true)
  })

  it('is cut when it would be too long, and still one for each id', () => {
    const names = ['É'.repeat(127), `${'É'.repeat(126)}e`, 'X'.repeat(255), 'x'.repeat(255)].map(
      id => fileNameOf(id).name,
    )
    expect(new Set(names).size).to.equal(4)
    expect(names.map(name => name.length)).to.deep.equal([255, 255, 255, 255])
    expect(names[2]).to.match(/^(%58)+%?5?~[0-9a-f]{64}$/)
  })

  it('is safe on any file system and tells ids apart that differ in case, form or bytes', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(id, text => {
        const { shard, name } = fileNameOf(text)
        expect(isShard(shard)).to.equal(true)
        expect(name).to.match(/^[a-z0-9_%-][a-z0-9._%~-]{0,254}$/)
        expect(seen.get(name) ?? text).to.equal(text)
        seen.set(name, text)
      }),
      { numRuns: 2000 },
    )
  })
})
