import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { connect } from 'node:net'
import { drain, startAppliance, type Appliance } from './support/appliance.ts'
import { goodKey } from './support/memory-engine.ts'

const head = (length: number): string =>
  `POST /v1/spaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${goodKey}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

describe('the listener', () => {
  let appliance: Appliance
  const limits = { headersMs: 200, requestMs: 400, checkMs: 50, lingerMs: 200, handshakeMs: 300, headerBytes: 4096 }
  before(async () => {
    appliance = await startAppliance({ limits })
  })
  after(() => appliance[Symbol.asyncDispose]())

  it('drops a caller who sends headers too slowly', async () => {
    const socket = await appliance.connect()
    socket.write('GET /v1/spaces HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const drip = setInterval(() => socket.writable && socket.write('a'), 20)
    expect(await drain(socket)).to.match(/^HTTP\/1\.1 408 /)
    clearInterval(drip)
  })

  it('drops a caller who sends a body too slowly, and the engine is not asked', async () => {
    const socket = await appliance.connect()
    socket.write(`${head(1000)}{"name":"`)
    const drip = setInterval(() => socket.writable && socket.write('a'), 20)
    expect(await drain(socket)).to.match(/^(HTTP\/1\.1 408 |$)/)
    clearInterval(drip)
    expect(appliance.engine.calls.filter(({ name }) => name === 'spaces.create')).to.have.length(0)
  })

  it('does not read the rest of a refused body for ever', async () => {
    const socket = await appliance.connect()
    socket.write(`${head(1_000_000_000)}{`)
    const pour = setInterval(() => socket.writable && socket.write('a'.repeat(1000)), 5)
    expect(await drain(socket)).to.match(/^HTTP\/1\.1 413 [^]*body-too-large/)
    clearInterval(pour)
  })

  it('drops a connection that does not come to a TLS handshake', async () => {
    const socket = connect(appliance.listener.address.port, '127.0.0.1')
    await new Promise(resolve =>
      socket
        .once('close', resolve)
        .on('error', () => undefined)
        .resume(),
    )
  })

  it('refuses headers that are too large, and requests that two parsers could read in two ways', async () => {
    const send = async (text: string): Promise<string> => {
      const socket = await appliance.connect()
      socket.write(text)
      return drain(socket)
    }
    expect(await send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(5000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /)
    for (const bad of [
      'GET /v1/spaces HTTP/1.1\r\n\r\n',
      'POST /v1/spaces HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'POST /v1/spaces HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'GET /v1/spaces HTTP/1.1\nHost a\n\n',
      'BREW /v1/spaces HTTP/1.1\r\nHost: a\r\n\r\n',
    ]) {
      expect(await send(bad), bad).to.match(/^HTTP\/1\.1 400 /)
    }
  })

  it('ends a connection on which an upgrade was asked for: the next request could hang on it', async () => {
    const socket = await appliance.connect()
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n')
    expect(await drain(socket)).to.match(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i)
  })

  it('finishes what is in flight when it closes, then closes idle connections too', async () => {
    const own = await startAppliance()
    const idle = await own.connect()
    idle.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await new Promise(resolve => idle.once('data', resolve))
    let finish: (error: Error) => void = () => undefined
    const reached = new Promise<void>(resolve => {
      own.engine.instead = () =>
        new Promise((_, reject) => {
          finish = reject
          resolve()
        })
    })
    const reply = own.get('/v1/spaces')
    await reached
    const closed = own.listener.close()
    finish(new WarderError('forbidden', 'no'))
    expect((await reply).status).to.equal(403)
    expect((await reply).headers.connection).to.equal('close')
    await Promise.all([closed, drain(idle)])
    await own.listener.close()
    await own[Symbol.asyncDispose]()
  })

  it('cuts off what does not finish in time when it closes', async () => {
    const own = await startAppliance()
    const stuck = await own.connect()
    const half = connect(own.listener.address.port, '127.0.0.1')
    await new Promise(resolve => half.once('connect', resolve))
    const ended = new Promise(resolve =>
      half
        .once('close', resolve)
        .on('error', () => undefined)
        .resume(),
    )
    stuck.write(`${head(1000)}{`)
    const gone = drain(stuck)
    await own.listener.close(50)
    await Promise.all([gone, ended])
    await own[Symbol.asyncDispose]()
  })
})
