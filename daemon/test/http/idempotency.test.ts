import { expect } from 'chai'
import { operations } from '../../src/api/operations.ts'
import { startAppliance, type Appliance, type Reply } from './support/appliance.ts'
import { keyId } from './support/memory-engine.ts'

describe('idempotency keys', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    appliance.engine.calls.length = 0
  })

  const keys = '/v1/spaces/a/keys'
  const send = (path: string, key: string, body: string, headers: Record<string, string> = {}): Promise<Reply> =>
    appliance.send({ method: 'POST', path, body, headers: { 'idempotency-key': key, ...headers } })

  it('are taken where something is made, and by rotate', () => {
    const taking = operations.filter(({ idempotency }) => idempotency !== undefined).map(({ id }) => id)
    expect(taking).to.deep.equal(['createSpace', 'createKey', 'rotateKey', 'importKey', 'createApiKey'])
  })

  it('give the first answer again: status, body, ETag and Location', async () => {
    const body = '{"name":"k","algorithm":"P-256"}'
    const first = await send(keys, 'one', body)
    appliance.engine.generation = 9
    const again = await send(keys, 'one', body)
    appliance.engine.generation = 1
    expect(first.status).to.equal(201)
    expect(first.headers).to.not.have.property('idempotency-replayed')
    expect(again.headers['idempotency-replayed']).to.equal('true')
    expect([again.status, again.text, again.headers.etag, again.headers.location]).to.deep.equal([
      first.status,
      first.text,
      `"${keyId}.1"`,
      '/v1/spaces/a/keys/k',
    ])
    expect(again.headers['content-type']).to.equal(first.headers['content-type'])
    expect(appliance.engine.calls).to.have.length(1)
  })

  it('are refused for any other request, be it by one byte or another path', async () => {
    const body = '{"name":"k","algorithm":"P-256"}'
    await send(keys, 'two', body)
    for (const other of [`${body} `, '{"name":"l","algorithm":"P-256"}']) {
      const reply = await send(keys, 'two', other)
      expect(reply.status).to.equal(422)
      expect(reply.json()).to.include({ code: 'idempotency-conflict', retryable: false })
    }
    expect((await send('/v1/spaces/b/keys', 'two', body)).json()).to.include({ code: 'idempotency-conflict' })
    expect((await send('/v1/spaces', 'two', '{"name":"a"}')).status).to.equal(201)
  })

  it('do not keep an answer that holds a secret', async () => {
    const body = '{"identity":"ci","spaces":"*","permissions":["use"],"expiresAt":"2030-01-01T00:00:00Z"}'
    expect((await send('/v1/apiKeys', 'three', body)).status).to.equal(201)
    expect((await send('/v1/apiKeys', 'three', body)).json()).to.include({ code: 'idempotency-conflict', status: 422 })
    expect(appliance.engine.calls).to.have.length(1)
  })

  it('are not used up by a request that is malformed', async () => {
    expect((await send('/v1/spaces', 'six', '{"name":"!"}')).status).to.equal(400)
    expect((await send('/v1/spaces', 'six', '{"name":"a"}')).status).to.equal(201)
  })

  it('work without a body', async () => {
    const rotate = (): Promise<Reply> =>
      appliance.send({
        method: 'POST',
        path: `${keys}/k:rotate`,
        headers: { 'idempotency-key': 'four', 'if-match': '*' },
      })
    expect((await rotate()).headers).to.not.have.property('idempotency-replayed')
    expect((await rotate()).headers['idempotency-replayed']).to.equal('true')
  })

  it('are printable, 1 to 255 characters, and given once', async () => {
    const body = '{"name":"k"}'
    for (const bad of ['', 'ä', 'x'.repeat(256), 'a\tb']) {
      const reply = await send('/v1/spaces', bad, body)
      expect(reply.json(), bad).to.include({ code: 'malformed-request', field: 'Idempotency-Key' })
    }
    expect((await send('/v1/spaces', '"quoted, with spaces" ~', body)).status).to.equal(201)
    const socket = await appliance.connect()
    const { goodKey } = await import('./support/memory-engine.ts')
    const { drain } = await import('./support/appliance.ts')
    socket.write(
      `POST /v1/spaces HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${goodKey}\r\nContent-Type: application/json\r\n` +
        `Idempotency-Key: a\r\nIdempotency-Key: b\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(await drain(socket)).to.match(/^HTTP\/1\.1 400 /)
  })

  it('are not looked at where nothing is made', async () => {
    for (let time = 0; time < 2; time++) {
      const reply = await send(`${keys}/k:sign`, 'five', '{"input":""}')
      expect(reply.headers).to.not.have.property('idempotency-replayed')
    }
    expect(appliance.engine.calls).to.have.length(2)
  })
})
