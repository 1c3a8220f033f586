import { expect } from 'chai'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { expectProblem } from '../support/problem.ts'

interface Item {
  readonly error?: { readonly code: string; readonly status: number }
  readonly [field: string]: unknown
}

describe('lesson: a batch with one bad item, and an empty plaintext in a batch', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let keys: KeysOfSpace
  const input = 'AAAA'

  before(async () => {
    appliance = await startEngineAppliance()
    keys = new KeysOfSpace(appliance.admin)
    await keys.create({ name: 'ec', algorithm: 'P-256' })
    await keys.create({ name: 'aes', algorithm: 'AES-256' })
    await keys.create({ name: 'mac', algorithm: 'HMAC-SHA-256' })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const batch = async (name: string, action: string, items: readonly object[]): Promise<readonly Item[]> =>
    (await keys.act<{ items: readonly Item[] }>(name, action, { items })).items
  const outcomes = (items: readonly Item[]): unknown[] => items.map(({ error }) => error?.code ?? 'ok')

  it('one bad item leaves the others alone, wherever it stands and whatever is wrong with it', async () => {
    const { ciphertext } = (await batch('aes', 'encrypt', [{ plaintext: input }]))[0] as { ciphertext: string }
    const { signature } = (await batch('ec', 'sign', [{ input }]))[0] as { signature: string }
    const cases: readonly (readonly [string, string, object, object, string])[] = [
      ['ec', 'sign', { input }, { input: '!' }, 'malformed-base64'],
      ['ec', 'sign', { input }, { input, version: 2 }, 'version-not-found'],
      ['ec', 'sign', { input }, { input, algorithm: 'RS256' }, 'algorithm-mismatch'],
      ['ec', 'verify', { input, signature }, { input, signature, prehashed: true }, 'malformed-request'],
      ['aes', 'encrypt', { plaintext: input }, { plaintext: null }, 'malformed-request'],
      ['aes', 'encrypt', { plaintext: input }, { plaintext: 'A'.repeat(87_384) }, 'body-too-large'],
      ['aes', 'decrypt', { ciphertext }, { ciphertext: 'AAAA' }, 'decryption-failed'],
      ['aes', 'decrypt', { ciphertext }, { ciphertext, aad: input }, 'decryption-failed'],
      ['mac', 'mac', { input }, { input, version: 0 }, 'malformed-request'],
    ]
    for (const [name, action, good, bad, code] of cases)
      for (const at of [0, 1, 2]) {
        const items = [good, good, good].toSpliced(at, 1, bad)
        const expected = ['ok', 'ok', 'ok'].toSpliced(at, 1, code)
        expect(outcomes(await batch(name, action, items)), `${action} ${code}`).to.deep.equal(expected)
      }
  })

  it('all items may be bad, and the batch is still answered', async () => {
    expect(outcomes(await batch('mac', 'mac', [{ input: '!' }, {}]))).to.deep.equal([
      'malformed-base64',
      'malformed-request',
    ])
  })

  it('an empty plaintext stays an item, in its place, and comes back empty', async () => {
    const plaintexts = ['', input, '', '', input, '']
    const made = await batch(
      'aes',
      'encrypt',
      plaintexts.map(plaintext => ({ plaintext })),
    )
    expect(made).to.have.length(plaintexts.length)
    for (const { ciphertext } of made) expect(Buffer.from(String(ciphertext), 'base64').length).to.be.at.least(33)
    const opened = await batch(
      'aes',
      'decrypt',
      made.map(({ ciphertext }) => ({ ciphertext })),
    )
    expect(opened.map(({ plaintext }) => plaintext)).to.deep.equal(plaintexts)
    expect(outcomes(await batch('mac', 'mac', [{ input: '' }]))).to.deep.equal(['ok'])
    expect(outcomes(await batch('ec', 'sign', [{ input: '' }]))).to.deep.equal(['ok'])
  })

  it('what is wrong with the whole refuses the whole, before anything is done', async () => {
    const send = (items: unknown) => keys.sendAct('mac', 'mac', { items })
    for (const items of [
      [],
      'x',
      { 0: {} },
      [{ input }, null],
      [{ input }, 'x'],
      Array.from({ length: 1001 }, () => ({ input })),
    ])
      expectProblem(await send(items), 400, 'malformed-request')
    expectProblem(await send([{ input }, { input, other: 1 }]), 400, 'unknown-field')
    expectProblem(await keys.sendAct('mac', 'mac', { items: [{ input }], input }), 400, 'unknown-field')
    expectProblem(await keys.sendAct('mac', 'sign', { items: [{ input }] }), 422, 'usage-not-allowed')
  })
})
