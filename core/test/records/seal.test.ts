import { randomBytes } from 'node:crypto'
import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import fc from 'fast-check'
import { seal, unseal } from '../../src/records/seal.ts'

const keys = { generation: 1, encryption: randomBytes(32), mac: randomBytes(32) }
const address = fc.record({
  collection: fc.string({ minLength: 1, maxLength: 20 }),
  id: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  revision: fc.nat(),
})

const isCorrupt = (work: () => unknown): boolean => {
  try {
    work()
  } catch (error) {
    return WarderError.is(error, 'record-corrupt')
  }
  return false
}

describe('sealing', () => {
  it('opens what it sealed', () => {
    fc.assert(
      fc.property(address, fc.uint8Array({ maxLength: 2000 }), (at, plaintext) => {
        expect(Buffer.compare(unseal(keys, at, seal(keys, at, plaintext)), plaintext)).to.equal(0)
      }),
    )
  })

  it('opens nothing at another address', () => {
    fc.assert(
      fc.property(address, address, (at, other) => {
        fc.pre(JSON.stringify(at) !== JSON.stringify(other))
        expect(isCorrupt(() => unseal(keys, other, seal(keys, at, Buffer.from('x'))))).to.equal(true)
      }),
    )
  })

  it('never confuses where a collection ends and an id begins', () => {
    const sealed = seal(keys, { collection: 'ab', id: 'c', revision: 1 }, Buffer.from('x'))
    expect(isCorrupt(() => unseal(keys, { collection: 'a', id: 'bc', revision: 1 }, sealed))).to.equal(true)
  })

  it('opens nothing under another key of the two', () => {
    const at = { collection: 'notes', id: 'a', revision: 1 }
    const sealed = seal(keys, at, Buffer.from('x'))
    for (const other of [{ encryption: randomBytes(32) }, { mac: randomBytes(32) }, { generation: 2 }]) {
      expect(isCorrupt(() => unseal({ ...keys, ...other }, at, sealed))).to.equal(true)
    }
  })

  it('never seals the same twice', () => {
    const at = { collection: 'notes', id: 'a', revision: 1 }
    const [one, two] = [seal(keys, at, Buffer.from('x')), seal(keys, at, Buffer.from('x'))]
    expect(Buffer.compare(one.subarray(13, 45), two.subarray(13, 45))).not.to.equal(0)
  })
})
