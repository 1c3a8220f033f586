import { type KeyProvider, WarderError } from '@warder/contract'
import { expect } from 'chai'
import { openFoundation, type Ports } from '../src/engine.ts'
import { Disks, op } from './support/foundation.ts'
import { silent } from './support/journal.ts'

describe('opening the appliance', () => {
  it('can be given up while the journal is read, and leaves no key behind', async () => {
    const disks = new Disks()
    await disks.create()
    const store = await disks.store()
    const storeSecret = new Uint8Array(32).fill(9)
    const ports: Ports = {
      store,
      hsm: {} as KeyProvider,
      journalFiles: disks.files,
      storeSecret,
      log: silent,
      now: () => new Date(),
      node: 'test',
    }
    const before = disks.files.writes
    try {
      await openFoundation(ports, { signal: AbortSignal.abort() })
      expect.fail('it was opened')
    } catch (error) {
      expect(WarderError.is(error, 'cancelled')).to.equal(true)
    }
    expect(storeSecret.every(byte => byte === 0)).to.equal(true)
    expect(disks.files.writes).to.equal(before)
    const foundation = await openFoundation({ ...ports, storeSecret: new Uint8Array(32).fill(9) }, op)
    await foundation.journal.close()
  })
})
