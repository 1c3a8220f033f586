import type { KeyProvider, SealedRef } from '@warder/contract'
import type { Call } from '@warder/core'
import { expect } from 'chai'
import { type EngineAppliance, startEngineAppliance } from './support/engine-appliance.ts'

const forgotten: SealedRef[] = []
let failing = false

/** Notes what is to be forgotten, and can be made to fail at it. */
const noting = (hsm: KeyProvider): KeyProvider =>
  new Proxy(hsm, {
    get(target, name) {
      if (name === 'forget') {
        return async (...given: Parameters<NonNullable<KeyProvider['forget']>>) => {
          forgotten.push(given[0])
          if (failing) throw new Error('no host answers')
          await target.forget?.(...given)
        }
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })

const call = (): Call => ({
  principal: {
    identity: 'test',
    credential: '0123456789abcdef',
    method: 'api-key',
    spaces: '*',
    permissions: ['read', 'use', 'write', 'delete', 'consolidate', 'introspect', 'admin'],
    sourceIp: '127.0.0.1',
  },
  requestId: '0b6f3d5e-5d0c-4f3a-9a55-0c2f6a1f7d11',
  signal: new AbortController().signal,
})

describe('a key that may do less than before', function () {
  this.timeout(120_000)
  let appliance: EngineAppliance
  let made = 0

  before(async () => {
    appliance = await startEngineAppliance({ between: noting })
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    forgotten.length = 0
    failing = false
  })

  /** A key of two versions, each used once. */
  const newKey = async (custody: 'sealed' | 'resident' = 'sealed'): Promise<string> => {
    const { keys, crypto } = appliance.engine
    const name = `key-${++made}`
    await keys.create(call(), 'default', { name, algorithm: 'AES-256', custody })
    const encrypt = () => crypto.encrypt(call(), 'default', name, { plaintext: Buffer.from('text') })
    await encrypt()
    await keys.rotate(call(), 'default', name, 'any')
    await encrypt()
    return name
  }
  const blobs = () => new Set(forgotten.map(({ blob }) => Buffer.from(blob).toString('hex')))

  const acts: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
    disabled: name => appliance.engine.keys.disable(call(), 'default', name, 'any'),
    suspended: name => appliance.engine.keys.suspend(call(), 'default', name, 'any', 1),
    revoked: name => appliance.engine.keys.revoke(call(), 'default', name, 'any', { reason: 'keyCompromise' }),
    'set to be destroyed': name => appliance.engine.keys.destroy(call(), 'default', name, 'any', 7),
  }

  for (const [what, act] of Object.entries(acts)) {
    it(`is forgotten by the HSM hosts when it is ${what}, in all its versions`, async () => {
      const name = await newKey()
      await act(name)
      expect(blobs().size).to.equal(2)
      expect(forgotten.every(({ checkValue }) => checkValue?.length === 8)).to.equal(true)
    })
  }

  it('is not forgotten for what takes nothing from it', async () => {
    const { keys } = appliance.engine
    const name = await newKey()
    await keys.edit(call(), 'default', name, 'any', { description: 'new' })
    await keys.rotate(call(), 'default', name, 'any')
    expect(blobs().size).to.equal(0)
    await acts['disabled']?.(await newKey('resident'))
    expect(blobs().size).to.equal(0)
  })

  it('is purged, and forgotten then too', async () => {
    const name = await newKey()
    await acts['set to be destroyed']?.(name)
    const own = blobs()
    forgotten.length = 0
    await appliance.passDays(8)
    expect((await appliance.engine.keys.get(call(), 'default', name)).state).to.equal('destroyed')
    expect([...blobs()]).to.include.members([...own])
  })

  it('changes its state all the same when the hosts cannot be told', async () => {
    const name = await newKey()
    failing = true
    await acts['disabled']?.(name)
    expect(blobs().size).to.equal(2)
    expect((await appliance.engine.keys.get(call(), 'default', name)).state).to.equal('disabled')
  })

  it('is used again when it may be', async () => {
    const { keys, crypto } = appliance.engine
    const name = await newKey()
    const plaintext = Buffer.from('text')
    const { ciphertext } = await crypto.encrypt(call(), 'default', name, { plaintext })
    await acts['disabled']?.(name)
    await keys.enable(call(), 'default', name, 'any')
    expect((await crypto.decrypt(call(), 'default', name, { ciphertext })).plaintext).to.deep.equal(
      new Uint8Array(plaintext),
    )
  })
})
