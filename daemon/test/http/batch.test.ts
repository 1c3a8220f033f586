import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { operations } from '../../src/api/operations.ts'
import { startAppliance, type Appliance, type Reply } from './support/appliance.ts'

const canary = 'cAnArYcAnArY'

describe('batches', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    appliance.engine.calls.length = 0
    appliance.engine.instead = undefined
  })

  const send = (verb: string, items: unknown): Promise<Reply> =>
    appliance.post(`/v1/spaces/a/keys/k:${verb}`, { items })
  const itemsOf = (reply: Reply): readonly Record<string, unknown>[] => {
    expect(reply.status, reply.text).to.equal(200)
    return reply.json()['items'] as Record<string, unknown>[]
  }

  it('are taken by sign, verify, encrypt, decrypt and mac, and answer each item as the single form does', async () => {
    const inputs: Readonly<Record<string, unknown>> = {
      sign: { input: 'aGk=' },
      verify: { input: 'aGk=', signature: 'aGk=' },
      encrypt: { plaintext: 'aGk=' },
      decrypt: { ciphertext: 'aGk=' },
      mac: { input: 'aGk=' },
    }
    const taking = operations.filter(({ handleBatch }) => handleBatch !== undefined)
    expect(taking.map(({ id }) => id)).to.deep.equal(Object.keys(inputs))
    for (const { id, response } of taking) {
      const [first, second, ...more] = itemsOf(await send(id, [inputs[id], inputs[id]]))
      expect(more).to.have.length(0)
      for (const item of [first, second]) expect(response.safeParse(item).error, id).to.equal(undefined)
      expect(appliance.engine.calls.at(-1)?.name).to.equal(`crypto.${id}Batch`)
    }
  })

  it('answer in order, and one bad item leaves the others alone', async () => {
    const items = itemsOf(
      await send('sign', [
        { input: 'AQ==' },
        { input: `${canary}?` },
        { input: 'Ag==', algorithm: 'none' },
        { input: 'Aw==' },
        { input: 7 },
        {},
        { input: Buffer.alloc(70_000).toString('base64') },
        { input: 'BA==' },
      ]),
    )
    expect(items.map(item => item['signature'] ?? (item['error'] as { code: string }).code)).to.deep.equal([
      'AQ==',
      'malformed-base64',
      'unknown-algorithm',
      'Aw==',
      'malformed-request',
      'malformed-request',
      'body-too-large',
      'BA==',
    ])
    expect(items[1]?.['error']).to.deep.equal({
      type: 'urn:warder:problem:malformed-base64',
      title: 'A field is not base64',
      status: 400,
      detail: 'input: must be base64 or base64url',
      code: 'malformed-base64',
      retryable: false,
      field: 'input',
    })
    expect(appliance.engine.calls.map(({ input }) => input)).to.have.nested.property('[0].length', 4)
    expect(JSON.stringify(items) + appliance.logged()).to.not.include(canary)
  })

  it('keep an empty plaintext as an item', async () => {
    const items = itemsOf(await send('encrypt', [{ plaintext: '' }, { plaintext: 'AQ==' }, { plaintext: '' }]))
    expect(items.map(item => item['ciphertext'])).to.deep.equal(['', 'AQ==', ''])
  })

  it('take 1 to 1,000 items, with every field there is', async () => {
    const item = { input: 'AQ==', prehashed: false, format: 'raw', version: 1, algorithm: 'ES256', signature: 'AQ==' }
    const thousand = Array.from({ length: 1000 }, () => item)
    expect(itemsOf(await send('verify', thousand))).to.have.length(1000)
    for (const wrong of [[], Array.from({ length: 1001 }, () => ({ input: '', signature: '' })), {}, null, 'x', 1]) {
      const reply = await send('verify', wrong)
      expect(reply.status).to.equal(400)
      expect(reply.json()).to.include({ code: 'malformed-request', field: 'items' })
    }
  })

  it('are refused as a whole, before anything is done, when an item is no object or has an unknown field', async () => {
    for (const item of [null, 7, 'x', [], [{ input: '' }]]) {
      const reply = await send('sign', [{ input: '' }, item])
      expect(reply.json(), JSON.stringify(item)).to.include({
        code: 'malformed-request',
        field: 'items.1',
        status: 400,
      })
    }
    const unknown = await send('sign', [{ input: '' }, { input: '', [canary]: 1 }])
    expect(unknown.json()).to.deep.include({
      code: 'unknown-field',
      field: 'items.1',
      allowed: ['algorithm', 'input', 'prehashed', 'format', 'version'],
    })
    expect(unknown.text).to.not.include(canary)
    const beside = await appliance.post('/v1/spaces/a/keys/k:sign', { items: [{ input: '' }], input: '' })
    expect(beside.json()).to.include({ code: 'unknown-field', field: 'body' })
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('are no form of other operations', async () => {
    const reply = await send('verifyMac', [{ input: '', mac: '' }])
    expect(reply.json()).to.include({ code: 'unknown-field' })
  })

  it('fail as a whole when the engine refuses the whole', async () => {
    appliance.engine.instead = () => Promise.reject(new WarderError('forbidden', 'no'))
    expect((await send('sign', [{ input: '' }])).json()).to.include({ code: 'forbidden', status: 403 })
  })

  it('ask the engine also when no item can be read: who may not use the key learns nothing of its items', async () => {
    const items = [{ input: '?' }, {}]
    appliance.engine.instead = () => Promise.reject(new WarderError('forbidden', 'no'))
    expect((await send('sign', items)).json()).to.include({ code: 'forbidden', status: 403 })
    appliance.engine.instead = undefined
    const codes = itemsOf(await send('sign', items)).map(item => (item['error'] as { code: string }).code)
    expect(codes).to.deep.equal(['malformed-base64', 'malformed-request'])
    expect(appliance.engine.calls.at(-1)?.input).to.deep.equal([])
  })

  it('tell nothing of what went wrong inside with an item, and log it', async () => {
    const refusing = { error: new WarderError('hsm-failed', 'CKR_DEVICE_ERROR at slot 3') }
    appliance.engine.crypto.signBatch = async () => [refusing]
    const [item] = itemsOf(await send('sign', [{ input: '' }]))
    expect(item?.['error']).to.include({ code: 'hsm-failed', status: 503, detail: 'The HSM failed.' })
    expect(appliance.logged()).to.include('CKR_DEVICE_ERROR')
    expect(await appliance.metrics.text({}, undefined)).to.include(
      'warder_batch_item_errors_total{code="hsm-failed"} 1',
    )
  })
})
