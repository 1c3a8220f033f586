import { expect } from 'chai'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { expectProblem } from '../support/problem.ts'
import { until } from '../support/until.ts'

describe('lesson: AES-GCM uses of a key are counted and capped', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let keys: KeysOfSpace
  const plaintext = 'AAAA'

  before(async () => {
    appliance = await startEngineAppliance({ useLimits: { block: 4, soft: 8, hard: 12 } })
    keys = new KeysOfSpace(appliance.admin)
  })
  after(() => appliance[Symbol.asyncDispose]())

  const versionsOf = async (name: string): Promise<number> => (await keys.get(name)).versions.length

  it('at the soft limit the key rotates by itself, and callers notice nothing', async () => {
    await keys.create({ name: 'soft', algorithm: 'AES-256' })
    const made: string[] = []
    for (let uses = 0; uses < 8; uses++)
      made.push((await keys.act<{ ciphertext: string }>('soft', 'encrypt', { plaintext })).ciphertext)
    await until('a second version', async () => (await versionsOf('soft')) === 2)
    expect(await keys.act('soft', 'encrypt', { plaintext })).to.include({ version: 2 })
    for (const ciphertext of made)
      expect(await keys.act('soft', 'decrypt', { ciphertext })).to.deep.equal({ plaintext, version: 1 })
  })

  it('singles, batches and data keys count alike; beyond the hard limit a version encrypts no more', async () => {
    await keys.create({ name: 'hard', algorithm: 'AES-256' })
    await keys.act('hard', 'encrypt', { plaintext })
    await keys.act('hard', 'generateDataKey', { length: 32 })
    const items = Array.from({ length: 20 }, () => ({ plaintext, version: 1 }))
    const { items: answers } = await keys.act<{ items: { error?: { code: string } }[] }>('hard', 'encrypt', { items })
    const codes = answers.map(({ error }) => error?.code ?? 'ok')
    expect(codes.filter(code => code === 'ok')).to.have.length(10)
    expect(codes.filter(code => code === 'use-limit-reached')).to.have.length(10)
    await until('a second version', async () => (await versionsOf('hard')) === 2)
    await keys.act('hard', 'rollback', { version: 1 })
    expectProblem(await keys.sendAct('hard', 'encrypt', { plaintext }), 409, 'use-limit-reached')
    expectProblem(await keys.sendAct('hard', 'generateDataKey', { length: 32 }), 409, 'use-limit-reached')
  })

  it('RSA encryptions do not count', async () => {
    await keys.create({ name: 'rsa', algorithm: 'RSA-2048', usage: 'encrypt' })
    for (let uses = 0; uses < 20; uses++) await keys.act('rsa', 'encrypt', { plaintext })
    expect(await versionsOf('rsa')).to.equal(1)
  })

  it('an unknown version is not a use', async () => {
    await keys.create({ name: 'none', algorithm: 'AES-256' })
    for (let uses = 0; uses < 20; uses++)
      expectProblem(await keys.sendAct('none', 'encrypt', { plaintext, version: 9 }), 404, 'version-not-found')
    await keys.act('none', 'encrypt', { plaintext })
    expect(await versionsOf('none')).to.equal(1)
  })
})
