import { createHash } from 'node:crypto'
import type { KeyProvider } from '@warder/contract'
import type { Call } from '@warder/core'
import { expect } from 'chai'
import { type EngineAppliance, startEngineAppliance } from './support/engine-appliance.ts'

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
const input = createHash('sha256').update('what is signed').digest()

/** How many signatures the HSM has answered, of each space. */
const answered = new Map<string, number>()
const ofBulk = () => answered.get('bulk') ?? 0

function counting(hsm: KeyProvider): KeyProvider {
  return new Proxy(hsm, {
    get(target, name) {
      if (name !== 'sign') {
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      }
      return async (...given: Parameters<KeyProvider['sign']>) => {
        const tenant = given[3].tenant ?? ''
        const before = ofBulk()
        const signature = await target.sign(...given)
        answered.set(tenant, (answered.get(tenant) ?? 0) + 1)
        if (tenant === 'single') servedBefore.push(ofBulk() - before)
        return signature
      }
    },
  })
}
/** For each signature of the one: those of the other that were answered while it waited. */
const servedBefore: number[] = []

const window = 64

describe('a space that signs in bulk, and another', function () {
  this.timeout(120_000)
  let appliance: EngineAppliance

  before(async () => {
    appliance = await startEngineAppliance({ between: counting })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('the other waits for what the HSM host has already, and not for what the bulk has waiting', async () => {
    const { engine } = appliance
    for (const space of ['bulk', 'single']) {
      await engine.spaces.create(call(), { name: space })
      await engine.keys.create(call(), space, { name: 'k', algorithm: 'RSA-2048' })
    }
    const sign = (space: string) =>
      engine.crypto.sign(call(), space, 'k', { input, prehashed: true, algorithm: 'PS256' })
    await sign('single')
    expect(servedBefore.splice(0)).to.deep.equal([0])

    let going = true
    const lanes = Array.from({ length: 300 }, async () => {
      while (going) await sign('bulk')
    })
    while (ofBulk() < 100) await new Promise(resolve => setImmediate(resolve))
    for (let n = 0; n < 50; n++) await sign('single')
    going = false
    await Promise.all(lanes)
    servedBefore.sort((a, b) => a - b)
    expect(servedBefore[48], servedBefore.join(' ')).to.be.at.most(2 * window)
  })
})
