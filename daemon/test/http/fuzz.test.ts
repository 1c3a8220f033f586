import { expect } from 'chai'
import fc from 'fast-check'
import { operations } from '../../src/api/operations.ts'
import { startAppliance, type Appliance } from './support/appliance.ts'

const canary = 'zQxCaNaRyQz'

describe('malformed requests, 2,000 of them', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('are never answered 5xx, and nothing of a body is in an answer or a log', async function () {
    this.timeout(120_000)
    const taking = operations.filter(({ request }) => request !== undefined)
    const targets = taking.map(({ method, path, ifMatch }) => ({
      method,
      path: path.replace('{space}', 'a').replace('{key}', 'k'),
      headers: ifMatch === undefined ? {} : { 'if-match': '*' },
    }))
    const fields = [
      ...new Set(
        taking.flatMap(({ request }) =>
          request !== undefined && 'shape' in request ? Object.keys(request.shape as object) : [],
        ),
      ),
      'items',
      '__proto__',
      'constructor',
      canary,
    ]
    const value = fc.oneof(
      { weight: 3, arbitrary: fc.string().map(text => canary + text) },
      fc.constantFrom('aGk=', 'a', '', 'P-256', 'ES256', '2030-01-01T00:00:00Z', '*', ['a'], ['use'], null, true, {}),
      fc.jsonValue({ maxDepth: 4 }),
      fc.dictionary(
        fc.string().map(text => canary + text),
        fc.string(),
        { maxKeys: 4 },
      ),
      fc.string({ unit: 'binary' }),
    )
    const object = fc
      .array(fc.tuple(fc.constantFrom(...fields), value), { maxLength: 7 })
      .map(entries => JSON.stringify(Object.fromEntries(entries)))
    const batch = fc.array(object, { maxLength: 4 }).map(items => `{"items":[${items.join(',')}]}`)
    const broken = fc
      .tuple(fc.oneof(object, batch), fc.nat(), fc.constantFrom('"', '{', '}', '\\', ',', ':', '\u0000', canary))
      .map(([text, at, piece]) => {
        const cut = at % (text.length + 1)
        return text.slice(0, cut) + piece + text.slice(cut + (at % 3))
      })
    const body = fc.oneof(
      object,
      batch,
      broken,
      fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.concat([Buffer.from(canary), bytes])),
    )

    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...targets), body, async (target, sent) => {
        const reply = await appliance.send({ ...target, body: sent })
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
        expect(reply.status).to.be.below(500)
        expect(JSON.stringify(reply.headers) + reply.text).to.not.include(canary)
        if (reply.status >= 400) expect(reply.json()['code']).to.be.a('string')
      }),
      { numRuns: 2000, seed: 20260101 },
    )
    expect(appliance.logged()).to.not.include(canary)
    expect(statuses.get(400) ?? 0).to.be.above(1000)
    for (const status of [404, 405, 428]) expect(statuses.has(status), `${status}`).to.equal(false)
  })
})
