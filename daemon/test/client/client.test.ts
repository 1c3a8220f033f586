import { expect } from 'chai'
import { WarderClient } from '../../src/client/client.ts'
import { ApprovalPending, RemoteProblem, Unreachable } from '../../src/client/errors.ts'
import { createInternalCa } from '../../src/tls/internal-ca.ts'
import { type Answer, type FakeServer, json, startServer } from './support/server.ts'

const space = { name: 'default', description: '', createdAt: '', createdBy: '' }
const problem = {
  code: 'key-not-found',
  title: 'There is no such key',
  detail: 'not here',
  request_id: 'r1',
  retryable: false,
}
const params = { space: 'default', key: 'orders' }

/** Lends a client of a server that answers so. */
async function withClient(
  answers: readonly Answer[],
  use: (client: WarderClient, server: FakeServer) => Promise<void>,
  options: { readonly ca?: string; readonly timeoutMs?: number; readonly apiKey?: Uint8Array } = {},
): Promise<void> {
  const server = await startServer(answers)
  const client = new WarderClient({ url: server.url, ca: server.ca, ...options })
  try {
    await use(client, server)
  } finally {
    client[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  }
}

/** What a promise rejects with. */
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('it resolved'),
    (error: unknown) => error,
  )

describe('the client', () => {
  it('sends what an operation takes, and answers its body, its ETag and the request', async () => {
    const headers = { etag: '"a.1"', 'x-request-id': 'r7' }
    await withClient([json(200, { name: 'orders' }, headers)], async (client, { received }) => {
      const options = { ifMatch: '*', idempotencyKey: 'once' }
      const answer = await client.call('rotateKey', { params: { space: 'default', key: 'a b' } }, options)
      expect(answer).to.deep.equal({ body: { name: 'orders' }, etag: '"a.1"', requestId: 'r7' })
      expect(received).to.have.lengthOf(1)
      expect(received[0]).to.include({ method: 'POST', url: '/v1/spaces/default/keys/a%20b:rotate', body: '' })
      expect(received[0]?.headers).to.include({ 'if-match': '*', 'idempotency-key': 'once' })
      expect(received[0]?.headers).to.not.have.any.keys('authorization', 'content-type')
    })
  })

  it('sends its API key, and zeroes it in the end', async () => {
    const apiKey = new Uint8Array(Buffer.from('wrd_id_secret'))
    await withClient(
      [json(200, { bytes: '' })],
      async (client, { received }) => {
        await client.call('random', { body: { length: 1 } })
        expect(received[0]?.headers).to.include({
          authorization: 'Bearer wrd_id_secret',
          'content-type': 'application/json',
        })
        expect(received[0]?.body).to.equal('{"length":1}')
      },
      { apiKey },
    )
    expect(apiKey.every(byte => byte === 0)).to.equal(true)
  })

  it('follows pages as far as they are wanted', async () => {
    const pages = [json(200, { items: [space, space], next: 'c1' }), json(200, { items: [space] })]
    await withClient(pages, async (client, { received }) => {
      let count = 0
      for await (const each of client.items('listSpaces', {})) count += each.name === 'default' ? 1 : 0
      expect(count).to.equal(3)
      expect(received.map(({ url }) => url)).to.deep.equal(['/v1/spaces?limit=1000', '/v1/spaces?limit=1000&after=c1'])
    })
    await withClient([json(200, { items: [space, space], next: 'c1' })], async (client, { received }) => {
      let count = 0
      for await (const _ of client.items('listSpaces', {}, 2)) count++
      expect({ count, urls: received.map(({ url }) => url) }).to.deep.equal({ count: 2, urls: ['/v1/spaces?limit=2'] })
    })
  })

  it('makes a problem an error with its code and request', async () => {
    await withClient([json(404, problem)], async client => {
      const error = await rejection(client.call('getKey', { params }))
      expect(error).to.be.instanceOf(RemoteProblem)
      expect(error).to.include({
        code: 'key-not-found',
        status: 404,
        title: problem.title,
        message: 'not here',
        requestId: 'r1',
      })
    })
  })

  it('takes nothing for an answer or a problem of Warder that is not', async () => {
    const answers: Answer[] = [
      response => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>proxy'),
      response => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>welcome'),
      response => response.writeHead(302, { location: 'https://elsewhere.example/' }).end(),
      json(400, { code: 'made-up', retryable: true }),
    ]
    await withClient(answers, async (client, { received }) => {
      for (const status of [502, 200, 302, 400]) {
        const error = await rejection(client.call('enableKey', { params }))
        expect(error).to.be.instanceOf(RemoteProblem)
        expect(error).to.include({ status, code: undefined })
      }
      expect(received).to.have.lengthOf(4)
    })
  })

  it('makes 202 an approval that is pending', async () => {
    await withClient([json(202, {}, { location: '/v1/approvals/7' })], async client => {
      const error = await rejection(client.call('destroyKey', { params }))
      expect(error).to.be.instanceOf(ApprovalPending)
      expect(error).to.include({ location: '/v1/approvals/7' })
    })
  })

  it('asks again for what is safe when the connection is lost', async () => {
    await withClient([response => response.destroy(), json(200, space)], async (client, { received }) => {
      expect((await client.call('getSpace', { params: { space: 'default' } })).body).to.deep.equal(space)
      expect(received).to.have.lengthOf(2)
    })
  })

  it('never does anything twice', async () => {
    const lost: Answer = response => response.destroy()
    const later = json(503, { ...problem, code: 'hsm-unavailable', retryable: true })
    for (const answer of [lost, later])
      await withClient([answer], async (client, { received }) => {
        await rejection(client.call('rotateKey', { params }, { ifMatch: '*', idempotencyKey: 'x' }))
        await rejection(client.call('editKey', { params, body: {} }, { ifMatch: '*' }))
        expect(received).to.have.lengthOf(2)
      })
  })

  it('gives up when there is no answer in time', async () => {
    await withClient(
      [() => undefined],
      async client => {
        const error = await rejection(client.call('getKey', { params }))
        expect(error).to.be.instanceOf(Unreachable)
        expect(error).to.include({ reason: 'late' })
      },
      { timeoutMs: 100 },
    )
  })

  it('trusts the authority it was given and no other', async () => {
    const { certificatePem: ca } = await createInternalCa({ name: 'another', now: new Date() })
    await withClient(
      [json(200, space)],
      async (client, { received }) => {
        expect(await rejection(client.call('getKey', { params }))).to.include({ reason: 'untrusted' })
        expect(received).to.deep.equal([])
      },
      { ca },
    )
  })

  it('refuses a name that would make another path, and sends nothing', async () => {
    await withClient([json(200, {})], async (client, { received }) => {
      for (const key of ['', '.', '..'])
        expect(await rejection(client.call('getKey', { params: { space: 'default', key } }))).to.include({
          code: 'malformed-request',
        })
      expect(received).to.deep.equal([])
    })
  })
})
