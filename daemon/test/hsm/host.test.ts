import { stat, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Op } from '@warder/contract'
import { expect } from 'chai'
import { Channel } from '../../src/hsm/channel.ts'
import { encode } from '../../src/hsm/codec.ts'
import { FrameReader } from '../../src/hsm/frame-reader.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import { maxCallsPerConnection, parseAnswers } from '../../src/hsm/protocol.ts'
import { keepLog, type KeptLog } from './support/kept-log.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { makeRunDir } from './support/run-dir.ts'
import { mutate, randomFrom } from './support/mutate.ts'
import { until } from './support/until.ts'

interface Heard {
  readonly id: number
  readonly ok?: unknown
  readonly error?: { readonly code: string; readonly message: string; readonly facts: object }
  readonly hsmMicros: number
}

/** Its `random` waits for ever, until aborted. */
class QueueingProvider extends MemoryProvider {
  override random(_length: number, op?: Op): Promise<never> {
    return this.whenAborted(op!)
  }
}

const id = 'ab'.repeat(16)
const ref = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id }
const spec = { algorithm: 'P-256', usage: 'sign', custody: 'resident', exportable: false, id } as const
const signAll = { op: 'signAll', deadline: 5000, args: { ref, algorithm: 'ES256', inputs: [new Uint8Array(32)] } }
/** As the parts of a run. */
const sign = { op: 'sign', key: ref as object, common: 'ES256' as string | null, values: [new Uint8Array(32)] }
const queued = { op: 'random', deadline: 60_000, args: { length: 8 } }

describe('hsm host', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let log: KeptLog
  let provider: QueueingProvider
  let host: HsmHost
  let socket: Socket
  let channel: Channel
  let heard: Map<number, Heard>
  let closed: boolean
  let path: string

  const open = async () => {
    closed = false
    socket = connect(path)
    await new Promise<void>(resolve => socket.once('connect', resolve))
    const events = {
      onMessage: (message: unknown) => {
        for (const answer of parseAnswers(message) ?? []) heard.set(answer.id, answer)
      },
      onClose: () => void (closed = true),
    }
    channel = new Channel(socket, events, { throttle: false })
  }
  const ask = async (message: { readonly id: number; readonly [member: string]: unknown }) => {
    channel.send(message)
    await until('the answer', () => heard.has(message.id))
    return heard.get(message.id)!
  }
  /** A run of one. */
  const askInRun = async (asked: number, change: Partial<typeof sign> = {}) => {
    const { op, key, common, values } = { ...sign, ...change }
    channel.send([op, key, common, [[asked, 5000, ...values]]])
    await until('the answer', () => heard.has(asked))
    return heard.get(asked)!
  }

  beforeEach(async () => {
    dir = await makeRunDir()
    path = join(dir.path, 'hsm-0.sock')
    log = keepLog()
    heard = new Map()
    provider = new QueueingProvider()
    await provider.generate(spec)
    host = await serveProvider(provider, { socketPath: path, log, drainMs: 200 })
    await open()
  })
  afterEach(async () => {
    socket.destroy()
    await host.close()
    await dir.remove()
  })

  it('listens on a socket for its user alone, in the place of what a dead host left', async () => {
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    await host.close()
    await writeFile(path, '')
    host = await serveProvider(provider, { socketPath: path, log })
    expect((await stat(path)).isSocket()).to.equal(true)
  })

  it('answers with the result and the time inside the HSM', async () => {
    const answer = await askInRun(7)
    expect(answer.ok).to.be.instanceOf(Uint8Array).with.property('length', 64)
    expect(answer.hsmMicros).to.be.above(0)
  })

  for (const [what, wrong] of Object.entries({
    'an unknown command': { op: 'C_CreateObject' },
    'a command that a prototype has': { op: 'constructor' },
    'no arguments': { args: null },
    'arguments that are bytes': { args: new Uint8Array(3) },
    attributes: { op: 'generate', args: { spec: { ...spec, template: {} } } },
    'a resident key that may be exported': { op: 'generate', args: { spec: { ...spec, exportable: true } } },
    'a command that goes in runs': { op: 'sign' },
    'nothing to wrap': { op: 'wrap', args: { ref, bytes: new Uint8Array(0) } },
    'a digest that is too short': { args: { ...signAll.args, inputs: [new Uint8Array(31)] } },
    'a store secret that is too long': { op: 'sealStoreSecret', args: { secret: new Uint8Array(33) } },
    'too much randomness': { op: 'random', args: { length: 4097 } },
    'a sealed reference to destroy': { op: 'destroy', args: { ref: { ...ref, custody: 'sealed' } } },
  })) {
    it(`refuses ${what}, and that call only`, async () => {
      const [refused, next] = await Promise.all([ask({ id: 1, ...signAll, ...wrong }), askInRun(2)])
      expect(refused.error?.code).to.equal('malformed-request')
      expect(next.ok).to.be.instanceOf(Uint8Array)
    })
  }

  for (const [what, wrong] of Object.entries({
    'more plaintext than fits': { op: 'encrypt', common: null, values: [new Uint8Array(65_537), new Uint8Array(0)] },
    'a digest that is too short': { values: [new Uint8Array(31)] },
    'no input': { values: [] },
    'two inputs': { values: [new Uint8Array(32), new Uint8Array(32)] },
    'an unknown algorithm': { common: 'constructor' },
    'a key that is none': { key: { ...ref, id: 'x' } },
    'an unknown command': { op: 'C_Sign' },
    'a command that goes alone': { op: 'signAll' },
  })) {
    it(`refuses ${what} in a run, and that call only`, async () => {
      const [refused, next] = await Promise.all([askInRun(1, wrong), askInRun(2)])
      expect(refused.error?.code).to.equal('malformed-request')
      expect(next.ok).to.be.instanceOf(Uint8Array)
    })
  }

  it('hangs up on what is no request, and on an id that is in use', async () => {
    for (const wrong of [{ hello: 'world' }, [], ['sign', ref, 'ES256', []], ['sign', ref, 'ES256', [[1]]]]) {
      channel.send(wrong)
      await until('the hang-up', () => closed)
      await open()
    }
    const twice = [1, 5000, new Uint8Array(32)]
    channel.send(['sign', ref, 'ES256', [twice, twice]])
    await until('the hang-up', () => closed)
    await open()
    channel.send({ id: 1, ...queued })
    channel.send({ id: 1, ...queued })
    await until('the hang-up', () => closed)
    await until('nothing left waiting', () => provider.waiting === 0)
  })

  it('passes on code, message and facts of a refusal', async () => {
    const answer = await askInRun(1, { key: { ...ref, id: 'cd'.repeat(16) } })
    expect(answer.error).to.deep.equal({ code: 'hsm-key-missing', message: 'No such key', facts: { id: 'x' } })
  })

  it('says nothing of an error without a code, not even to its log', async () => {
    provider.health = async () => {
      throw new Error('the PIN was 1234')
    }
    const answer = await ask({ id: 1, op: 'health', deadline: 1000, args: {} })
    expect(answer.error?.code).to.equal('hsm-failed')
    expect(JSON.stringify([answer, log.lines])).not.to.include('1234')
    expect(log.lines).to.have.length(1)
  })

  it('says so when an answer does not fit the channel', async () => {
    provider.health = async () => ({ ok: true, detail: 'x'.repeat(2_000_000) })
    expect((await ask({ id: 1, op: 'health', deadline: 1000, args: {} })).error?.code).to.equal('hsm-failed')
  })

  it('ends queued work at its deadline', async () => {
    expect((await ask({ id: 1, ...queued, deadline: 20 })).error?.code).to.equal('hsm-timeout')
    expect(provider.waiting).to.equal(0)
  })

  it('ends queued work when it is cancelled, and lets started work finish', async () => {
    channel.send({ id: 1, ...queued })
    await until('it is queued', () => provider.waiting === 1)
    expect((await ask({ id: 1, cancel: true })).error?.code).to.equal('cancelled')
    let finish: (health: { ok: boolean; detail: string }) => void = () => {}
    provider.health = () => new Promise(resolve => (finish = resolve))
    channel.send({ id: 2, op: 'health', deadline: 5000, args: {} })
    channel.send({ id: 2, cancel: true })
    await askInRun(3)
    finish({ ok: true, detail: 'done' })
    await until('the answer', () => heard.has(2))
    expect(heard.get(2)!.ok).to.deep.equal({ ok: true, detail: 'done' })
  })

  it('ignores the cancellation of a call it does not have', async () => {
    channel.send({ id: 99, cancel: true })
    expect((await askInRun(1)).ok).to.be.instanceOf(Uint8Array)
  })

  it('drops the queued work of a caller that has gone', async () => {
    for (let n = 1; n <= 10; n++) channel.send({ id: n, ...queued })
    await until('all queued', () => provider.waiting === 10)
    socket.destroy()
    await until('none queued', () => provider.waiting === 0)
  })

  it('bounds the calls of a connection and refuses the next at once', async () => {
    for (let n = 1; n <= maxCallsPerConnection; n++) channel.send({ id: n, ...queued })
    expect((await askInRun(5000)).error?.code).to.equal('over-capacity')
    channel.send({ id: 1, cancel: true })
    await until('one has ended', () => heard.has(1))
    expect((await askInRun(5001)).ok).to.be.instanceOf(Uint8Array)
  })

  it('wipes a secret once it was used, or encoded', async () => {
    const kept: Uint8Array[] = []
    provider.openStoreSecret = async () => {
      const secret = new Uint8Array(32).fill(7)
      kept.push(secret)
      return secret
    }
    provider.sealStoreSecret = async secret => {
      kept.push(secret)
      return new Uint8Array(60)
    }
    provider.decrypt = async () => provider.openStoreSecret(new Uint8Array(60))
    provider.encrypt = async (_, plaintext) => {
      kept.push(plaintext)
      return { iv: new Uint8Array(12), ciphertext: new Uint8Array(48) }
    }
    const key = { ...ref, usage: 'encrypt' }
    await askInRun(3, { op: 'encrypt', key, common: null, values: [new Uint8Array(32).fill(7), new Uint8Array(0)] })
    const values = [new Uint8Array(48), new Uint8Array(12), new Uint8Array(0)]
    const plaintext = await askInRun(4, { op: 'decrypt', key, common: 'A256GCM', values })
    expect(plaintext.ok).to.deep.equal(Buffer.alloc(32, 7))
    const opened = await ask({ id: 1, op: 'openStoreSecret', deadline: 1000, args: { sealed: new Uint8Array(60) } })
    expect(opened.ok).to.deep.equal(Buffer.alloc(32, 7))
    await ask({ id: 2, op: 'sealStoreSecret', deadline: 1000, args: { secret: new Uint8Array(32).fill(7) } })
    expect(kept).to.have.length(4)
    for (const secret of kept) expect([...secret]).to.deep.equal(Array(32).fill(0))
  })

  it('when closed answers what is in flight, refuses what comes, and leaves', async () => {
    let finish: (health: { ok: boolean; detail: string }) => void = () => {}
    provider.health = () => new Promise(resolve => (finish = resolve))
    channel.send({ id: 1, op: 'health', deadline: 5000, args: {} })
    await askInRun(2)
    const closing = host.close()
    expect((await askInRun(3)).error).to.deep.include({
      code: 'hsm-unavailable',
      facts: { reason: 'stopping', outcome: 'not-started' },
    })
    finish({ ok: true, detail: '' })
    await closing
    await until('the hang-up', () => closed)
    expect(heard.get(1)!.ok).to.deep.equal({ ok: true, detail: '' })
  })

  it('when closed does not wait for ever', async () => {
    channel.send({ id: 1, ...queued })
    await until('it is queued', () => provider.waiting === 1)
    await host.close()
    await until('the hang-up', () => closed)
  })

  it('survives ten thousand mutated frames, from a seed', async () => {
    const random = randomFrom(20240501)
    const seeds = [
      { id: 1, ...signAll },
      ['sign', ref, 'ES256', [1, 2, 3].map(each => [each, 5000, new Uint8Array(32)])],
      { id: 2, op: 'generate', deadline: 100, args: { spec: { ...spec, custody: 'sealed' } } },
      { id: 3, op: 'random', deadline: 1, args: { length: 8 } },
      { id: 4, cancel: true },
      { id: 5, op: 'sealStoreSecret', deadline: 100, args: { secret: new Uint8Array(32) } },
    ].map(message => frame(encode(message)))
    // one to a connection, as most of them end it
    const send = async (mutant: Buffer) => {
      const raw = connect(path)
      raw.on('error', () => {})
      const gone = new Promise<void>(resolve => raw.once('close', () => resolve()))
      // answers must be frames still, whatever the question was
      const reader = new FrameReader()
      raw.on('data', chunk => expect(reader.push(chunk, () => {})).to.equal(true))
      raw.end(mutant)
      await gone
    }
    for (let sent = 0; sent < 10_000; sent += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => send(mutate(seeds[n % seeds.length]!, random))))
    }
    await until('nothing left waiting', () => provider.waiting === 0)
    expect((await askInRun(1)).ok).to.be.instanceOf(Uint8Array)
  })
})

function frame(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}
