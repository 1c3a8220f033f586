import { expect } from 'chai'
import { Channel } from '../../src/hsm/channel.ts'
import { maxFrameBytes } from '../../src/hsm/frame-reader.ts'
import { makeSocketPair } from './support/socket-pair.ts'
import { until } from './support/until.ts'

describe('hsm channel', () => {
  let pair: Awaited<ReturnType<typeof makeSocketPair>>
  let received: unknown[]
  let closed: number
  let sender: Channel

  beforeEach(async () => {
    pair = await makeSocketPair()
    received = []
    closed = 0
    sender = new Channel(pair.a, { onMessage: () => {}, onClose: () => {} }, { throttle: false })
    const events = { onMessage: (message: unknown) => void received.push(message), onClose: () => void closed++ }
    new Channel(pair.b, events, { throttle: true })
  })
  afterEach(() => pair.close())

  it('carries messages in order, all of one turn of the event loop in one write', async () => {
    let writes = 0
    const write = pair.a.write.bind(pair.a)
    pair.a.write = ((...args: Parameters<typeof write>) => (writes++, write(...args))) as typeof pair.a.write
    for (let id = 0; id < 250; id++) sender.send({ id, bytes: new Uint8Array(id) })
    await Promise.resolve()
    await new Promise<void>(resolve => process.nextTick(resolve))
    for (let id = 250; id < 500; id++) sender.send({ id, bytes: new Uint8Array(id) })
    await until('all messages', () => received.length === 500)
    expect(writes).to.equal(1)
    expect(received[3]).to.deep.equal({ id: 3, bytes: Buffer.alloc(3) })
    expect(received.map(message => (message as { id: number }).id)).to.deep.equal([...Array(500).keys()])
  })

  it('lets the sender wipe what it passed as soon as send returns', async () => {
    const secret = new Uint8Array(32).fill(9)
    sender.send({ secret })
    secret.fill(0)
    await until('the message', () => received.length === 1)
    expect(received[0]).to.deep.equal({ secret: Buffer.alloc(32, 9) })
  })

  it('refuses to send what no frame holds, and goes on', async () => {
    expect(() => sender.send({ bytes: new Uint8Array(maxFrameBytes) }))
      .to.throw('does not fit')
      .with.property('code', 'body-too-large')
    sender.send({ id: 1 })
    await until('the next message', () => received.length === 1)
  })

  it('writes what was sent before it ends', async () => {
    sender.send({ id: 1 })
    sender.end()
    await until('the close', () => closed === 1)
    expect(received).to.deep.equal([{ id: 1 }])
  })

  for (const [what, bytes] of Object.entries({
    'an oversized frame': [0x00, 0x10, 0x00, 0x01],
    'an empty frame': [0, 0, 0, 0],
    'a frame that is no MessagePack': [0, 0, 0, 2, 0xc1, 0xc1],
    'a frame that holds nothing': [0, 0, 0, 1, 0xc0],
    text: [...Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  })) {
    it(`closes once on ${what}, and acts on nothing after it`, async () => {
      pair.a.write(Buffer.from([...bytes, 0, 0, 0, 3, 0x81, 0xa0, 0x01]))
      await until('the close', () => closed > 0)
      expect(received).to.deep.equal([])
      expect(closed).to.equal(1)
    })
  }

  it('closes once on a truncated frame', async () => {
    pair.a.end(Buffer.from([0, 0, 0, 9, 1]))
    await until('the close', () => closed > 0)
    expect(received).to.deep.equal([])
    expect(closed).to.equal(1)
  })

  it('keeps the prototype of what it decodes out of the peer’s hands', async () => {
    const payload = [0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa2, ...Buffer.from('ok'), 0x01]
    pair.a.write(Buffer.from([0, 0, 0, payload.length, ...payload]))
    await until('the message', () => received.length === 1)
    expect((received[0] as { ok?: unknown }).ok).to.equal(undefined)
    expect(Object.getPrototypeOf(received[0])).to.equal(Object.prototype)
  })

  it('stops reading from a peer that does not read, and goes on when it does', async () => {
    let answered = 0
    const other = await makeSocketPair()
    try {
      const echo: Channel = new Channel(
        other.b,
        { onMessage: () => (answered++, echo.send({ bytes: new Uint8Array(100_000) })), onClose: () => {} },
        { throttle: true },
      )
      const asker = new Channel(other.a, { onMessage: () => {}, onClose: () => {} }, { throttle: false })
      other.a.pause()
      for (let i = 0; i < 500; i++) {
        asker.send({ id: i, filler: new Uint8Array(20_000) })
        await new Promise(resolve => setImmediate(resolve))
      }
      const before = answered
      expect(before).to.be.below(500)
      expect(echo.backlog).to.be.below(5_000_000)
      other.a.resume()
      await until('all answers', () => answered === 500)
    } finally {
      await other.close()
    }
  })
})
