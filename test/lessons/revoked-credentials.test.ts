import { expect } from 'chai'
import { permissions } from '@warder/core'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { Sending } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'

/** How long after a revocation was answered anything may still remember. */
const boundMs = 1000

describe(`lesson: what was revoked is dead in every cache within ${boundMs} ms`, function () {
  this.timeout(60_000)
  let appliance: Appliance
  let keys: KeysOfSpace
  const algorithm = 'HMAC-SHA-256'

  before(async () => {
    appliance = await startAppliance()
    keys = new KeysOfSpace(appliance.admin)
    await keys.create({ name: 'k', algorithm })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('an API key: verified before, with listings and answers remembered for it, on connections that are open', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const body = { identity: 'tenant', spaces: '*', permissions, expiresAt }
    const issued = await appliance.admin.post<{ apiKey: { id: string }; secret: string }>('/v1/apiKeys', body)
    const client = await appliance.client(issued.secret)
    const create = { method: 'POST', path: keys.path, body: { name: 'kept', algorithm } } as const
    const requests: readonly Sending[] = [
      { path: keys.path },
      { path: `${keys.path}?state=enabled` },
      { path: `${keys.path}/k` },
      { path: '/v1/spaces' },
      { path: '/healthz' },
      { method: 'POST', path: `${keys.path}/k:mac`, body: { input: '' } },
      { ...create, headers: { 'idempotency-key': 'kept' } },
      { method: 'POST', path: '/v1/random', body: { length: 8 } },
    ]
    const all = async (): Promise<number[]> => {
      const sent = requests.flatMap(request => [client.send(request), client.send(request)])
      return (await Promise.all(sent)).map(({ status }) => status)
    }
    await client.send({ ...create, headers: { 'idempotency-key': 'kept' } })
    for (const _ of [1, 2, 3]) for (const status of await all()) expect(status).to.be.oneOf([200, 201, 409])

    await appliance.admin.post(`/v1/apiKeys/${issued.apiKey.id}:revoke`)
    const revoked = performance.now()
    const statuses = await all()
    expect(performance.now() - revoked).to.be.below(boundMs)
    expect(new Set(statuses)).to.deep.equal(new Set([401]))
    expectProblem(await client.send({ path: keys.path }), 401, 'invalid-credentials')
  })

  it('a key: disabled, suspended or revoked, it does nothing more on any host that had it in hand', async () => {
    for (const custody of ['sealed', 'resident'])
      for (const [stop, body] of [
        ['disable', undefined],
        ['suspend', { version: 1 }],
        ['revoke', { reason: 'keyCompromise' }],
        ['destroy', undefined],
      ] as const) {
        const { name } = await keys.create({ name: `${stop}-${custody}`, algorithm, custody })
        const many = async (): Promise<number[]> => {
          const sent = Array.from({ length: 24 }, () => keys.sendAct(name, 'mac', { input: 'AAAA' }))
          return (await Promise.all(sent)).map(({ status }) => status)
        }
        expect(new Set(await many())).to.deep.equal(new Set([200]))
        await keys.act(name, stop, body)
        const stopped = performance.now()
        expect(new Set(await many()), `${stop} ${custody}`).to.deep.equal(new Set([409]))
        expect(performance.now() - stopped).to.be.below(boundMs)
      }
  })
})
