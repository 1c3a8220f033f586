import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { until } from '../hsm/support/until.ts'
import { startAppliance, type Appliance } from './support/appliance.ts'

describe('the HTTP service', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance({ deadlineMs: 300 })
  })
  after(() => appliance[Symbol.asyncDispose]())
  beforeEach(() => {
    appliance.engine.instead = undefined
    appliance.engine.calls.length = 0
  })

  it('takes a harmless request id and makes one otherwise, and the engine sees the same', async () => {
    const given = await appliance.send({ path: '/v1/spaces', headers: { 'x-request-id': 'Trace_1.a-b' } })
    expect(given.headers['x-request-id']).to.equal('Trace_1.a-b')
    expect(appliance.engine.calls[0]?.call.requestId).to.equal('Trace_1.a-b')
    for (const bad of ['', 'a b', 'x'.repeat(65), '<script>', 'a,b']) {
      const made = await appliance.send({ path: '/nowhere', headers: { 'x-request-id': bad } })
      expect(made.headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
      expect(made.json()['request_id']).to.equal(made.headers['x-request-id'])
    }
  })

  it('sends the security headers with answers and problems alike', async () => {
    const known = { 'if-none-match': '*' }
    for (const [sending, status] of [
      [{ path: '/v1/spaces' }, 200],
      [{ path: '/v1/spaces', method: 'HEAD' }, 200],
      [{ path: '/v1/spaces/a/keys/k', headers: known }, 304],
      [{ path: '/v1/backup', method: 'POST' }, 200],
      [{ path: '/v1/spaces', anonymous: true }, 401],
      [{ path: '/nowhere' }, 404],
      [{ path: '/livez' }, 200],
      [{ path: '/openapi.json' }, 200],
    ] as const) {
      const { headers, ...reply } = await appliance.send(sending)
      expect(reply.status).to.equal(status)
      expect(headers['x-request-id']).to.match(/^[0-9a-f-]{36}$/)
      expect(headers).to.include({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'strict-transport-security': 'max-age=31536000',
      })
      expect(headers).to.not.have.any.keys('x-powered-by', 'server')
    }
  })

  it('tells the engine the address of the connection and not one that the caller claims', async () => {
    await appliance.send({ path: '/v1/spaces', headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect(appliance.engine.calls[0]?.call.principal.sourceIp).to.equal('127.0.0.1')
  })

  it('answers what went wrong inside without saying what, and logs where under the request id', async () => {
    appliance.engine.instead = () => Promise.reject(new Error('cAnArY of the inside'))
    const reply = await appliance.get('/v1/spaces')
    expect(reply.status).to.equal(500)
    expect(reply.json()).to.deep.include({ code: 'internal', retryable: false })
    expect(reply.text + appliance.logged()).to.not.include('cAnArY')
    const line = appliance
      .logged()
      .split('\n')
      .find(each => each.includes(String(reply.json()['request_id'])))
    expect(JSON.parse(line ?? '')).to.include({ level: 'error', code: 'internal', cause: 'Error' })
  })

  it('answers a defect where an answer has a header that cannot be sent', async () => {
    const broken = { id: 'a\nb', generation: 1 }
    appliance.engine.instead = () => Promise.resolve(broken) as Promise<never>
    const reply = await appliance.get('/v1/spaces/a/keys/k')
    expect(reply.status).to.equal(500)
    expect(reply.json()).to.include({ code: 'internal' })
    expect(reply.headers).to.not.have.property('etag')
  })

  it('says when to try again', async () => {
    appliance.engine.instead = () => Promise.reject(new WarderError('hsm-unavailable', 'host 2 died'))
    const reply = await appliance.get('/v1/spaces')
    expect(reply.status).to.equal(503)
    expect(reply.headers['retry-after']).to.equal('2')
    expect(reply.json()).to.include({ code: 'hsm-unavailable', retryable: true })
    expect(reply.text).to.not.include('host 2')
  })

  it('answers at the deadline, whether or not the engine heeds the signal', async () => {
    let seen: AbortSignal | undefined
    appliance.engine.instead = call => {
      seen = call.signal
      return new Promise(() => undefined)
    }
    expect((await appliance.get('/v1/spaces')).json()).to.include({ code: 'hsm-timeout', status: 503 })
    expect(seen?.aborted).to.equal(true)
    appliance.engine.instead = call =>
      new Promise((_, reject) => {
        call.signal.addEventListener('abort', () => reject(new WarderError('cancelled', 'told to stop')))
      })
    expect((await appliance.get('/v1/spaces')).json()).to.include({ code: 'hsm-timeout' })
  })

  it('answers once when the engine has an answer just as the deadline passes', async () => {
    const late = (value: unknown) => Promise.resolve(value) as Promise<never>
    appliance.engine.instead = call =>
      new Promise(resolve => {
        call.signal.addEventListener('abort', () => resolve(late({ items: [] })))
      })
    for (let time = 0; time < 2; time++) {
      const reply = await appliance.get('/v1/spaces')
      expect(reply.json()).to.include({ code: 'hsm-timeout', status: 503 })
      expect(reply.status).to.equal(503)
    }
  })

  it('uses a signal again once its request was answered, and never one that is in use or was aborted', async () => {
    const signals = (): readonly AbortSignal[] => appliance.engine.calls.map(({ call }) => call.signal)
    let release = (): void => {}
    appliance.engine.instead = () => new Promise((_, reject) => (release = () => reject(new Error('released'))))
    const hanging = appliance.get('/v1/spaces')
    await until('the engine to be asked', () => signals().length === 1)
    const [used] = signals()
    appliance.engine.instead = undefined
    await appliance.get('/v1/spaces')
    await appliance.get('/v1/spaces')
    expect(signals().indexOf(used as AbortSignal, 1)).to.equal(-1)
    expect(signals()[2]).to.equal(signals()[1])
    expect((await hanging).status).to.equal(503)
    release()
    expect(used?.aborted).to.equal(true)
    await Promise.all(Array.from({ length: 5 }, () => appliance.get('/v1/spaces')))
    for (const signal of signals().slice(1)) expect(signal.aborted).to.equal(false)
  })

  it('stops the engine when the caller goes away before the answer', async () => {
    const socket = await appliance.connect()
    const aborted = new Promise<unknown>(resolve => {
      appliance.engine.instead = call => {
        socket.destroy()
        return new Promise((_, reject) => {
          call.signal.addEventListener('abort', () => {
            resolve(call.signal.reason)
            reject(new WarderError('cancelled', 'told to stop'))
          })
        })
      }
    })
    const { goodKey } = await import('./support/memory-engine.ts')
    socket.write(`GET /v1/spaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${goodKey}\r\n\r\n`)
    expect(WarderError.is(await aborted, 'cancelled')).to.equal(true)
  })

  it('does not abort a request that was answered', async () => {
    await appliance.get('/v1/spaces')
    expect(appliance.engine.calls[0]?.call.signal.aborted).to.equal(false)
  })
})

describe('probes', () => {
  it('answer without credentials, and ask the parts once a second at most', async () => {
    const appliance = await startAppliance()
    try {
      expect((await appliance.send({ path: '/livez', anonymous: true })).text).to.equal('ok\n')
      const ready = await appliance.send({ path: '/readyz', anonymous: true })
      expect([ready.status, ready.text]).to.deep.equal([200, 'ok\n'])
      const verbose = await appliance.send({ path: '/readyz?verbose', anonymous: true })
      expect(verbose.text).to.equal('[+]journal ok: writing\n[+]hsm ok: token present\nreadyz check passed\n')
      expect(verbose.headers['content-type']).to.equal('text/plain; charset=utf-8')
      await Promise.all(Array.from({ length: 50 }, () => appliance.get('/readyz')))
      expect(appliance.engine.healthAsked).to.be.within(1, 2)
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })

  it('say which part fails', async () => {
    const appliance = await startAppliance()
    try {
      appliance.engine.healthy['hsm'] = { ok: false, detail: 'no token' }
      const verbose = await appliance.get('/readyz?verbose')
      expect(verbose.status).to.equal(503)
      expect(verbose.text).to.equal('[+]journal ok: writing\n[-]hsm failed: no token\nreadyz check failed\n')
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })

  it('live while the appliance is sealed, when all of /v1 answers so', async () => {
    const appliance = await startAppliance({ running: () => undefined })
    try {
      expect((await appliance.get('/livez')).status).to.equal(200)
      expect((await appliance.get('/openapi.json')).status).to.equal(200)
      const ready = await appliance.get('/readyz?verbose')
      expect(ready.status).to.equal(503)
      expect(ready.text).to.include('[-]engine failed: waiting for the operator')
      const reply = await appliance.send({ path: '/v1/spaces', anonymous: true })
      expect(reply.status).to.equal(503)
      expect(reply.headers['retry-after']).to.equal('10')
      expect(reply.json()).to.include({ code: 'sealed', retryable: true })
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })
})
