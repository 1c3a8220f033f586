import { expect } from 'chai'
import { operations } from '../../src/api/operations.ts'
import { pathOf } from '../../src/api/operation.ts'
import { startAppliance, type Appliance, type Reply } from './support/appliance.ts'
import { keyId } from './support/memory-engine.ts'

const path = '/v1/spaces/a/keys/k'
const etag = (generation: number | string): string => `"${keyId}.${generation}"`

describe('conditional requests', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    appliance.engine.generation = 7
    appliance.engine.calls.length = 0
  })

  const patch = (headers: Record<string, string>): Promise<Reply> =>
    appliance.send({ method: 'PATCH', path, headers, body: '{"description":"x"}' })
  const expected = (): unknown => (appliance.engine.calls.at(-1)?.input as { expect: unknown } | undefined)?.expect

  it('name a key by its id and generation', async () => {
    expect((await appliance.get(path)).headers.etag).to.equal(etag(7))
    const created = await appliance.post('/v1/spaces/a/keys', { name: 'k', algorithm: 'P-256' })
    expect(created.headers.etag).to.equal(etag(7))
  })

  it('are required where what is changed cannot be taken back unseen', async () => {
    const required = operations.filter(({ ifMatch }) => ifMatch === 'required').map(({ id }) => id)
    expect(required).to.deep.equal(['editKey', 'rotateKey', 'rollbackKey', 'destroyKey', 'restoreKey'])
    const reply = await patch({})
    expect(reply.status).to.equal(428)
    expect(reply.json()).to.include({ code: 'precondition-required', field: 'If-Match' })
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('may be left out where stopping a key must not wait', async () => {
    for (const { path: template, id } of operations.filter(({ ifMatch }) => ifMatch === 'optional')) {
      const sent = id === 'revokeKey' ? { reason: 'keyCompromise' } : id.endsWith('Version') ? { version: 1 } : {}
      const reply = await appliance.post(pathOf(template, { space: 'a', key: 'k' }), sent)
      expect(reply.status, id).to.equal(200)
      expect(expected(), id).to.equal('any')
    }
  })

  it('give the engine the generation, or any for a star', async () => {
    expect((await patch({ 'if-match': etag(7) })).status).to.equal(200)
    expect(expected()).to.deep.equal({ id: keyId, generation: 7 })
    expect((await patch({ 'if-match': '*' })).status).to.equal(200)
    expect(expected()).to.equal('any')
  })

  it('are refused when the key was changed meanwhile', async () => {
    for (const verb of ['rotate', 'disable', 'destroy', 'restore']) {
      const reply = await appliance.send({ method: 'POST', path: `${path}:${verb}`, headers: { 'if-match': etag(6) } })
      expect(reply.status, verb).to.equal(412)
      expect(reply.json()).to.include({ code: 'precondition-failed', retryable: false })
    }
  })

  it('are refused when weak, foreign, several or malformed', async () => {
    const bad = [
      `W/${etag(7)}`,
      '"x"',
      keyId,
      etag('07'),
      etag('-1'),
      etag('1e3'),
      etag('9'.repeat(30)),
      `${etag(7)}, ${etag(8)}`,
      '',
      '**',
      etag(7).toUpperCase(),
    ]
    for (const value of bad) {
      const reply = await patch({ 'if-match': value })
      expect(reply.status, value).to.equal(400)
      expect(reply.json()).to.include({ code: 'malformed-request', field: 'If-Match' })
    }
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('answer 304 without a body for what is known', async () => {
    for (const known of [etag(7), `W/${etag(7)}`, `"other", ${etag(7)}`, '*']) {
      for (const method of ['GET', 'HEAD']) {
        const reply = await appliance.send({ method, path, headers: { 'if-none-match': known } })
        expect([reply.status, reply.text], `${method} ${known}`).to.deep.equal([304, ''])
        expect(reply.headers.etag).to.equal(etag(7))
      }
    }
    for (const other of [etag(6), '""', '"a", "b"']) {
      expect((await appliance.send({ path, headers: { 'if-none-match': other } })).status, other).to.equal(200)
    }
    const malformed = await appliance.send({ path, headers: { 'if-none-match': 'x' } })
    expect(malformed.json()).to.include({ code: 'malformed-request', field: 'If-None-Match' })
  })

  it('leave operations alone that know no ETag', async () => {
    const reply = await appliance.send({ path: '/v1/spaces', headers: { 'if-match': 'x', 'if-none-match': 'x' } })
    expect(reply.status).to.equal(200)
  })
})
