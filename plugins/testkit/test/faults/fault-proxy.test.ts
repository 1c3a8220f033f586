import { expect } from 'chai'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { startFaultProxy, type Fault } from '@warder/testkit'
import { startEcho, type Client, type Echo } from './echo.ts'

for (const over of ['tcp', 'unix'] as const) {
  /** A unix socket has no reset: who reads sees the end, who writes sees EPIPE or ECONNRESET. */
  const broken = over === 'tcp' ? ['ECONNRESET', 'EPIPE'] : ['end', 'ECONNRESET', 'EPIPE']

  describe(`a fault proxy over ${over}`, () => {
    let echo: Echo
    let warm: Client
    beforeEach(async () => {
      echo = await startEcho(over)
      warm = await echo.client()
      warm.socket.write('warm')
      await warm.gets(4)
    })
    afterEach(() => echo[Symbol.asyncDispose]())

    it('passes bytes, and the end of either direction, and counts them', async () => {
      const large = 'x'.repeat(3_000_000)
      warm.socket.end(large)
      expect((await warm.gets(3_000_004)).length).to.equal(3_000_004)
      expect(await warm.closed).to.equal('end')
      await echo.proxy.until(({ open }) => open === 0)
      expect(echo.proxy.seen).to.deep.equal({
        accepted: 1,
        refused: 0,
        cut: 0,
        open: 0,
        received: { 'to-server': 3_000_004, 'to-client': 3_000_004 },
        delivered: { 'to-server': 3_000_004, 'to-client': 3_000_004 },
      })
    })

    it('cut resets both ends, and new connections until it heals', async () => {
      echo.proxy.apply({ kind: 'cut' })
      expect(await warm.closed).to.be.oneOf(broken)
      expect(echo.proxy.seen).to.include({ cut: 1, open: 0 })
      const late = connect(echo.proxy.address)
      await closing(late)
      await echo.proxy.until(({ refused }) => refused === 1)
      echo.proxy.heal()
      await exchanges(await echo.client(), 'again')
      expect(echo.proxy.seen).to.include({ accepted: 2, refused: 1, cut: 1, open: 1 })
    })

    it('refuse lets open connections be', async () => {
      echo.proxy.apply({ kind: 'refuse' })
      await closing(connect(echo.proxy.address))
      await exchanges(warm, 'still here')
      expect(echo.proxy.seen).to.include({ accepted: 1, refused: 1, cut: 0, open: 1 })
    })

    it('stall takes bytes and delivers none until it heals', async () => {
      echo.proxy.apply({ kind: 'stall' })
      const fresh = await echo.client()
      warm.socket.write('held')
      fresh.socket.write('HELD')
      await echo.proxy.until(({ received }) => received['to-server'] === 12)
      await turns()
      expect(echo.arrived()).to.equal('warm')
      echo.proxy.heal()
      expect(await warm.gets(8)).to.equal('warmheld')
      expect(await fresh.gets(4)).to.equal('HELD')
    })

    it('stall in one direction lets a request through and holds its answer', async () => {
      echo.proxy.apply({ kind: 'stall', direction: 'to-client' })
      warm.socket.write('done')
      await echo.proxy.until(({ received }) => received['to-client'] === 8)
      expect(echo.arrived()).to.equal('warmdone')
      expect(warm.text()).to.equal('warm')
      echo.proxy.heal()
      expect(await warm.gets(8)).to.equal('warmdone')
    })

    it('stall holds little, lets the sender wait, and loses nothing', async () => {
      echo.proxy.apply({ kind: 'stall' })
      const large = 'x'.repeat(20_000_000)
      warm.socket.write(large)
      await echo.proxy.until(({ received }) => received['to-server'] >= 262_144)
      await turns()
      expect(echo.proxy.seen.received['to-server']).to.be.lessThan(262_144 + 65_536 + 5)
      echo.proxy.heal()
      expect((await warm.gets(20_000_004)).length).to.equal(20_000_004)
    })

    it('stall delivers what was held when its sender has gone by then', async () => {
      echo.proxy.apply({ kind: 'stall' })
      warm.socket.write('late')
      await echo.proxy.until(({ received }) => received['to-server'] === 8)
      warm.socket.destroy()
      await echo.proxy.until(({ open }) => open === 0)
      echo.proxy.heal()
      await echo.proxy.until(({ delivered }) => delivered['to-server'] === 8)
      while (echo.arrived() !== 'warmlate') await turns()
    })

    it('drop-answers delivers the request, and never its answer', async () => {
      echo.proxy.apply({ kind: 'drop-answers', times: 1 })
      warm.socket.write('write')
      expect(await warm.closed).to.be.oneOf(broken)
      expect(echo.arrived()).to.equal('warmwrite')
      expect(warm.text()).to.equal('warm')
      // healed by itself, having cut once
      await exchanges(await echo.client(), 'after')
      expect(echo.proxy.seen).to.include({ cut: 1 })
    })

    it('cut-after hands over half a request', async () => {
      echo.proxy.apply({ kind: 'cut-after', direction: 'to-server', bytes: 3, times: 1 })
      warm.socket.write('request')
      expect(await warm.closed).to.be.oneOf(broken)
      while (echo.closed.length < 1) await turns()
      expect(echo.arrived()).to.equal('warmreq')
      expect(echo.proxy.seen.delivered).to.deep.include({ 'to-server': 7 })
      await exchanges(await echo.client(), 'after')
    })

    it('cut-after hands over half an answer', async () => {
      echo.proxy.apply({ kind: 'cut-after', direction: 'to-client', bytes: 3 })
      warm.socket.write('request')
      expect(await warm.closed).to.be.oneOf(['end', ...broken])
      expect(echo.arrived()).to.equal('warmrequest')
      expect(warm.text()).to.equal('warmreq')
    })

    it('cut-after counts each connection from the moment the fault began, or the connection', async () => {
      echo.proxy.apply({ kind: 'cut-after', direction: 'to-client', bytes: 5 })
      const fresh = await echo.client()
      await exchanges(warm, '1234')
      await exchanges(fresh, '1234')
      warm.socket.write('56')
      await warm.closed
      expect(warm.text()).to.equal('warm12345')
      expect(echo.proxy.seen).to.include({ cut: 1, open: 1 })
    })

    it('dribble delivers all, a little at a time', async () => {
      const pieces: number[] = []
      warm.socket.on('data', bytes => pieces.push(bytes.length))
      echo.proxy.apply({ kind: 'dribble', bytes: 2, pause: 1 })
      await exchanges(warm, 'a request of some length')
      expect(pieces.length).to.be.greaterThan(1)
    })

    it('a fault that is taken back lets what it held go on', async () => {
      echo.proxy.apply({ kind: 'stall' })
      warm.socket.write('held')
      await echo.proxy.until(({ received }) => received['to-server'] === 8)
      echo.proxy.apply({ kind: 'dribble', bytes: 1 })
      expect(await warm.gets(8)).to.equal('warmheld')
    })

    it('resets the server when the client is reset, and the client when the server is', async () => {
      if (over === 'tcp') warm.socket.resetAndDestroy()
      else warm.socket.destroy()
      while (echo.closed.length < 1) await turns()
      await echo.proxy.until(({ open }) => open === 0)
    })

    it('closes in the middle of anything, once, and leaves nothing open', async () => {
      echo.proxy.apply({ kind: 'stall' })
      warm.socket.write('held')
      await echo.proxy.until(({ received }) => received['to-server'] === 8)
      const waiting = echo.proxy.until(({ accepted }) => accepted === 99).catch((error: Error) => error.message)
      await Promise.all([echo.proxy[Symbol.asyncDispose](), echo.proxy[Symbol.asyncDispose]()])
      expect(await warm.closed).to.be.oneOf(broken)
      expect(await waiting).to.match(/closed/)
      expect(echo.proxy.seen.open).to.equal(0)
      const { address } = echo.proxy
      if ('path' in address) expect(existsSync(address.path)).to.equal(false)
      expect(await closing(connect(address))).to.be.oneOf(['ECONNREFUSED', 'ENOENT'])
    })

    it('takes no fault that makes no sense', () => {
      const senseless: Fault[] = [
        { kind: 'dribble', bytes: 0 },
        { kind: 'dribble', bytes: 1, pause: -1 },
        { kind: 'cut-after', direction: 'to-server', bytes: 1.5 },
        { kind: 'drop-answers', times: 0 },
      ]
      for (const fault of senseless) expect(() => echo.proxy.apply(fault)).to.throw(TypeError)
    })
  })
}

describe('a fault proxy', () => {
  it('resets connections to a server that is not there', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const to = gone.address()
    gone.close()
    await once(gone, 'close')
    if (to === null || typeof to === 'string') throw new Error('no port')
    const proxy = await startFaultProxy({ to: { host: '127.0.0.1', port: to.port } })
    try {
      expect(await closing(connect(proxy.address))).to.equal('ECONNRESET')
      await proxy.until(({ cut }) => cut === 1)
      expect(proxy.seen).to.include({ accepted: 1, open: 0 })
    } finally {
      await proxy[Symbol.asyncDispose]()
    }
  })

  it('says when it cannot listen', async () => {
    const path = '/nowhere/at/all'
    const failure = await startFaultProxy({ to: { path }, listen: { path } }).catch((error: Error) => error)
    expect(failure).to.be.instanceOf(Error)
  })
})

async function exchanges(client: Client, text: string): Promise<void> {
  const before = client.text()
  client.socket.write(text)
  expect(await client.gets(before.length + text.length)).to.equal(before + text)
}

async function closing(socket: ReturnType<typeof connect>): Promise<string> {
  let how = 'end'
  socket.on('error', (error: Error & { code?: string }) => (how = error.code ?? error.message))
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve))
  return how
}

/** Gives what wrongly goes on a chance to show. */
async function turns(): Promise<void> {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate)
}
