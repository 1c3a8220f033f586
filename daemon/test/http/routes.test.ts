import { expect } from 'chai'
import { operations } from '../../src/api/operations.ts'
import { pathOf } from '../../src/api/operation.ts'
import { createRouter } from '../../src/http/routes.ts'
import { createLog } from '../../src/log/create-log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { bodies } from './support/bodies.ts'
import { startAppliance, type Appliance } from './support/appliance.ts'
import { keyId } from './support/memory-engine.ts'

const names = { space: 'a', key: 'k', id: '0123456789abcdef', version: '1', code: 'internal' }

describe('routes', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    appliance.engine.calls.length = 0
    appliance.engine.missing.length = 0
  })

  const createKey = '/v1/spaces/a/keys'
  const sign = '/v1/spaces/a/keys/k:sign'

  // The router's own table, not a list kept beside it.
  const served = {
    engine: () => undefined,
    whyNot: () => '',
    log: createLog({ write: () => undefined }, 'error'),
    metrics: createMetrics(),
    eventLoop: { p99Ms: () => 0, maxMs: () => 0, [Symbol.asyncDispose]: async () => undefined },
    version: '',
  }
  const table = createRouter(served).stack.map(layer => ({
    method: layer.methods.at(-1) ?? '',
    path: String(layer.path)
      .replaceAll('\\:', ':')
      .replace(/\/:(\w+)/g, (_, name: keyof typeof names) => `/${names[name]}`),
  }))

  /** What is told to strangers: nothing of any tenant. */
  const open = new Set(['/livez', '/readyz', '/openapi.json', '/problems/internal'])

  it('are the operations and six more', () => {
    expect(table).to.have.length(operations.length + 6)
    expect(table.filter(({ path }) => path.startsWith('/v1/'))).to.have.length(operations.length)
  })

  for (const { method, path } of table.filter(route => !open.has(route.path))) {
    it(`${method} ${path} without credentials is 401, and the body is not looked at`, async () => {
      for (const headers of [{}, { authorization: 'Basic d3JkOndyZA==' }, { authorization: 'Bearer' }]) {
        const reply = await appliance.send({
          method,
          path,
          headers,
          anonymous: true,
          ...(method === 'GET' ? {} : { body: '{' }),
        })
        expect(reply.status).to.equal(401)
        expect(reply.json()).to.include({ code: 'missing-credentials', status: 401, retryable: false })
        expect(reply.headers['www-authenticate']).to.equal('Bearer realm="warder"')
      }
      expect(appliance.engine.missing).to.have.length(3)
      const wrong = await appliance.send({ method, path, headers: { authorization: 'Bearer wrd_x_y' } })
      expect(wrong.status).to.equal(401)
      expect(wrong.json()).to.include({ code: 'invalid-credentials' })
      expect(wrong.headers['www-authenticate']).to.include('invalid_token')
      expect(appliance.engine.calls).to.have.length(0)
    })
  }

  for (const operation of operations) {
    it(`${operation.id} answers as its schema says, and HEAD works where GET does`, async () => {
      const path = pathOf(operation.path, names)
      const body = bodies[operation.id]
      const reply = await appliance.send({
        method: operation.method,
        path,
        headers: operation.ifMatch === undefined ? {} : { 'if-match': `"${keyId}.1"` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      expect(reply.status, reply.text).to.equal(operation.status)
      if (operation.streamed === true) {
        expect(reply.headers['content-type']).to.equal('application/octet-stream')
        expect(reply.text).to.match(/^\{"format":"warder-backup-v1"/)
        return
      }
      expect(reply.headers['content-type']).to.equal('application/json; charset=utf-8')
      expect(operation.response.safeParse(reply.json()).error).to.equal(undefined)
      if (operation.status === 201) expect(reply.headers.location).to.match(/^\/v1\//)
      if (operation.entity !== undefined) expect(reply.headers.etag).to.equal(`"${keyId}.1"`)
      else expect(reply.headers).to.not.have.property('etag')
      if (operation.method !== 'GET') return
      const head = await appliance.send({ method: 'HEAD', path })
      expect(head.status).to.equal(200)
      expect(head.text).to.equal('')
      expect(head.headers['content-length']).to.equal(reply.headers['content-length'])
    })
  }

  it('give the engine bytes, whichever alphabet they came in, and answer standard base64', async () => {
    for (const input of ['+/8=', '-_8', '-_8=', '+/8']) {
      const reply = await appliance.post(sign, { input })
      expect(reply.json()).to.deep.equal({ signature: '+/8A', algorithm: 'ES256', format: 'der', version: 1 })
    }
    for (const { input } of appliance.engine.calls)
      expect((input as { input: unknown }).input).to.deep.equal(Uint8Array.of(251, 255))
  })

  it('export a public key as DER and as PEM', async () => {
    const { spki, pem, version } = (await appliance.get(`${createKey}/k/publicKey?version=3`)).json()
    expect(version).to.equal(3)
    const lines = String(pem).split('\n')
    expect(lines.slice(1, -2).join('')).to.equal(spki)
    expect(lines[0]).to.equal('-----BEGIN PUBLIC KEY-----')
    for (const line of lines) expect(line.length).to.be.at.most(64)
  })

  it('let an algorithm nobody knows through to the engine as text', async () => {
    await appliance.post(createKey, { name: 'k', algorithm: 'DES' })
    await appliance.post(sign, { input: '', algorithm: 'none' })
    expect(appliance.engine.calls.map(({ input }) => (input as { algorithm: unknown }).algorithm)).to.deep.equal([
      'DES',
      'none',
    ])
  })

  it('page through lists with a Link that survives any cursor', async () => {
    const first = await appliance.get('/v1/spaces?limit=1')
    const link = /^<([^>]+)>; rel="next"$/.exec(first.headers.link as string)?.[1] ?? ''
    const second = await appliance.get(link)
    expect(second.status).to.equal(200)
    expect(second.headers.link).to.equal(undefined)
    expect(appliance.engine.calls[1]?.input).to.deep.equal({ limit: 1, after: first.json()['next'] })
    await appliance.get('/v1/spaces')
    expect(appliance.engine.calls[2]?.input).to.deep.equal({ limit: 100 })
  })

  it('refuse a limit, a version or a parameter that is not as stated', async () => {
    const refused = [
      'limit=0',
      'limit=1001',
      'limit=1e2',
      'limit=',
      'limit=%201',
      'limit=-1',
      'limit=1&limit=2',
      'after=',
    ]
    for (const query of refused) {
      const reply = await appliance.get(`/v1/spaces?${query}`)
      expect(reply.json(), query).to.include({ code: 'malformed-request', status: 400 })
    }
    for (const query of ['x=1', '__proto__=1', 'constructor=1']) {
      const reply = await appliance.get(`/v1/spaces?${query}`)
      expect(reply.json(), query).to.include({ code: 'unknown-field', field: 'query' })
    }
    expect((await appliance.get(`${createKey}/k?version=1`)).json()).to.include({ code: 'unknown-field' })
    expect((await appliance.get(`${createKey}/k/publicKey?version=0`)).json()).to.include({ field: 'version' })
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('answer 404 for what is not there: other paths, doubled and trailing slashes, other case, unknown actions', async () => {
    for (const path of [
      '/',
      '/v1',
      '/v1/',
      '//v1/spaces',
      '/v1//spaces',
      '/v1/spaces/',
      '/V1/spaces',
      '/v1/spaces/a/keys/k:frobnicate',
      '/v1/spaces/a/keys/k/sign',
      '/v1/spaces/a/keys/k:sign:sign/x',
      '/v1/apikeys',
      '/v1/spaces/../apiKeys',
      '/livez/',
      '/%76%31/spaces',
    ]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const reply = await appliance.send({ method, path })
        expect(reply.status, `${method} ${path}`).to.equal(404)
        expect(reply.json()).to.include({ code: 'route-not-found' })
        expect(reply.headers['content-type']).to.equal('application/problem+json')
      }
    }
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('answer 405 with what is allowed', async () => {
    const cases = [
      ['OPTIONS', '/v1/spaces', 'GET, HEAD, POST'],
      ['DELETE', '/v1/spaces', 'GET, HEAD, POST'],
      ['TRACE', '/v1/spaces/a', 'GET, HEAD'],
      ['PUT', '/v1/spaces/a/keys/k', 'GET, HEAD, PATCH'],
      ['GET', '/v1/spaces/a/keys:import', 'POST'],
      ['GET', '/v1/rootKeys:rotate', 'POST'],
      ['POST', '/v1/spaces/a/importKey', 'GET, HEAD'],
      ['GET', '/v1/spaces/a/keys/k:sign', 'POST'],
      ['HEAD', '/v1/spaces/a/keys/k:verify', 'POST'],
      ['GET', '/v1/apiKeys/x:revoke', 'POST'],
      ['POST', '/v1/spaces/a/keys/k', 'GET, HEAD, PATCH'],
      ['POST', '/livez', 'GET, HEAD'],
    ] as const
    for (const [method, path, allow] of cases) {
      const reply = await appliance.send({ method, path })
      expect(reply.status, `${method} ${path}`).to.equal(405)
      expect(reply.headers.allow, `${method} ${path}`).to.equal(allow)
      if (method !== 'HEAD') expect(reply.json()).to.include({ code: 'method-not-allowed' })
    }
  })

  it('refuse names that are not names, however they are written', async () => {
    for (const name of [
      'a%2Fb',
      '%2e%2e',
      'A',
      'a%20b',
      '%00',
      'a%3Asign',
      '%F0%9F%98%80',
      '%ff',
      '%',
      '%zz',
      'x'.repeat(64),
    ]) {
      const reply = await appliance.get(`/v1/spaces/${name}/keys/k`)
      expect(reply.json(), name).to.include({ code: 'malformed-request', field: 'space' })
      const ofKey = await appliance.get(`/v1/spaces/a/keys/${name}`)
      expect(ofKey.json(), name).to.include({ code: 'malformed-request', field: 'key' })
    }
    expect(appliance.engine.calls).to.have.length(0)
  })

  it('tell the action from the name, and take the longest name', async () => {
    const name = 'k'.repeat(63)
    expect((await appliance.post(`/v1/spaces/a/keys/${name}:sign`, { input: '' })).status).to.equal(200)
    expect((await appliance.post(`/v1/spaces/a/keys/a:b:sign`, { input: '' })).json()).to.include({ field: 'key' })
    expect((await appliance.get(`/v1/spaces/a/keys/publicKey`)).status).to.equal(400)
    expect((await appliance.get(`/v1/spaces/a/keys/sign`)).status).to.equal(200)
  })
})
