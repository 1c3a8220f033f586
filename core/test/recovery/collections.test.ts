import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { collections } from '../../src/recovery/collections.ts'

const source = fileURLToPath(new URL('../../src', import.meta.url))

describe('the list of collections', () => {
  it('has every collection that a service of the engine keeps records in', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    const named = files.flatMap(file =>
      [...readFileSync(join(source, file), 'utf8').matchAll(/: Collection<[^=]+> = \{\s*name: '([a-z-]+)'/g)].map(
        ([, name]) => name,
      ),
    )
    expect(named).to.include.members(['spaces', 'keys', 'import-keys'])
    expect(Object.keys(collections)).to.have.members(named)
  })
})
