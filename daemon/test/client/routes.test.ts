import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { apiKeyOperations } from '../../src/api/api-keys.ts'
import { backupOperations } from '../../src/api/backup.ts'
import { keyCryptoOperations } from '../../src/api/key-crypto.ts'
import { keyLifecycleOperations } from '../../src/api/key-lifecycle.ts'
import { keyOperations } from '../../src/api/keys.ts'
import type { Operation } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'
import { randomOperations } from '../../src/api/random.ts'
import { rootKeyOperations } from '../../src/api/root-keys.ts'
import { spaceOperations } from '../../src/api/spaces.ts'
import { transferOperations } from '../../src/api/transfers.ts'
import { routes } from '../../src/client/routes.ts'

// its text, which is not what runs when it was built
const source = readFileSync(new URL('routes.ts', new URL('../../src/client/', import.meta.url)), 'utf8')
const groups: Readonly<Record<string, readonly Operation[]>> = {
  Spaces: spaceOperations,
  Keys: keyOperations,
  Lifecycle: keyLifecycleOperations,
  Crypto: keyCryptoOperations,
  Transfers: transferOperations,
  RootKeys: rootKeyOperations,
  Random: randomOperations,
  ApiKeys: apiKeyOperations,
  Backups: backupOperations,
}

describe('the routes of the client', () => {
  it('are the operations of the table, each with its method and path', () => {
    const stated = Object.fromEntries(operations.map(({ id, method, path }) => [id, { method, path }]))
    expect(routes).to.deep.equal(stated)
  })

  it('take their types from the operations of the same names', () => {
    const lines = [...source.matchAll(/^ {2}(\w+): \w+<(\w+)\[(\d+)\]>/gm)]
    expect(lines.map(([, id]) => id)).to.deep.equal(Object.keys(routes))
    for (const [, id, group = '', at] of lines) expect(groups[group]?.[Number(at)]?.id, id).to.equal(id)
  })
})
