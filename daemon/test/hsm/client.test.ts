import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { KeyAlgorithm, KeySpec, KeyUsage, Op, SealedRef } from '@warder/contract'
import { expect } from 'chai'
import { connectHsm, type ConnectOptions, type HsmClient } from '../../src/hsm/client.ts'
import { decode, encode } from '../../src/hsm/codec.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import type { Answered } from '../../src/hsm/call.ts'
import { writeStatus } from '../../src/hsm/status.ts'
import { keepLog } from './support/kept-log.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { mutate, randomFrom } from './support/mutate.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

/** Signing with `queued` waits for ever, until aborted. */
class QueueingProvider extends MemoryProvider {
  override sign(...args: Parameters<MemoryProvider['sign']>): Promise<Uint8Array> {
    return args[0].custody === 'resident' && args[0].id === queued.id ? this.whenAborted(args[3]) : super.sign(...args)
  }
}

const queued = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ee'.repeat(16) } as const
const id = 'ab'.repeat(16)
const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id } as const
const digest = new Uint8Array(32)
const op: Op = { signal: new AbortController().signal }

const specOf = (algorithm: KeyAlgorithm, usage: KeyUsage): KeySpec => ({
  algorithm,
  usage,
  custody: 'sealed',
  exportable: true,
  id,
})

describe('hsm client', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let providers: QueueingProvider[]
  let hosts: HsmHost[]
  let client: HsmClient | undefined

  const serve = async (index: number) => {
    const provider = new QueueingProvider()
    await provider.generate({ algorithm: 'P-256', usage: 'sign', custody: 'resident', exportable: false, id })
    providers[index] = provider
    const socketPath = join(dir.path, `hsm-${index}.sock`)
    hosts[index] = await serveProvider(provider, { socketPath, log: keepLog(), drainMs: 0 })
  }
  const connect = async (count: number, options: Partial<ConnectOptions> = {}) => {
    client = connectHsm({ runDir: dir.path, hosts: count, ...options })
    await client.ready(op)
    await until('all hosts', async () => (await client!.health(op)).detail.startsWith(`${hosts.length} of`))
    return client
  }

  beforeEach(async () => {
    dir = await makeRunDir()
    providers = []
    hosts = []
  })
  afterEach(async () => {
    await client?.[Symbol.asyncDispose]()
    await Promise.all(hosts.map(host => host.close()))
    client = undefined
    await dir.remove()
  })

  it('is a KeyProvider: every command goes through and comes back as itself', async () => {
    await serve(0)
    const hsm = await connect(1)
    expect((await hsm.capabilities(op)).token.label).to.equal('memory')
    const made = await hsm.generate(specOf('Ed25519', 'sign'), op)
    expect(made.ref).to.include({
      custody: 'sealed',
      algorithm: 'Ed25519',
      usage: 'sign',
      exportable: true,
      rootKey: 1,
    })
    expect(made.spki).to.have.length(44)
    expect(await hsm.sign(made.ref, 'EdDSA', Buffer.from('message'), op)).to.have.length(64)
    expect(await hsm.sign(resident, 'ES256', digest, op)).to.have.length(64)
    // this provider signs one at a time, and the host asks it for each
    const many = await hsm.signAll!(resident, 'ES256', [digest, digest, digest], op)
    expect(many.map(signature => signature.length)).to.deep.equal([64, 64, 64])
    expect((await hsm.locate(resident, op))?.spki).to.have.length(91)
    expect(await hsm.random(17, op)).to.have.length(17)
    const cipher = await hsm.generate(specOf('AES-256', 'encrypt'), op)
    expect(cipher).to.have.property('checkValue').with.length(8)
    expect(cipher).not.to.have.property('spki')
    for (const length of [0, 1, 65_536]) {
      const [plaintext, aad] = [randomBytes(length), randomBytes(length)]
      const encrypted = await hsm.encrypt(cipher.ref, plaintext, aad, op)
      const opened = await hsm.decrypt(cipher.ref, { algorithm: 'A256GCM', aad, ...encrypted }, op)
      expect(plaintext.equals(opened)).to.equal(true)
    }
    const wrapper = await hsm.generate(specOf('AES-256', 'wrap'), op)
    const bytes = randomBytes(4096)
    expect(bytes.equals(await hsm.unwrap(wrapper.ref, await hsm.wrap(wrapper.ref, bytes, op), op))).to.equal(true)
    const hmac = await hsm.generate(specOf('HMAC-SHA-256', 'mac'), op)
    expect(await hsm.mac(hmac.ref, randomBytes(65_536), op)).to.have.length(32)
    const own = await hsm.generate(specOf('P-256', 'derive'), op)
    expect(await hsm.derive(own.ref, own.spki!, op)).to.have.length(32)
    const under = { ...cipher.ref, usage: 'import' } as SealedRef
    const request = { under, oaep: 'RSA-OAEP', wrapped: randomBytes(32), spec: specOf('AES-256', 'encrypt') } as const
    const imported = await hsm.importKey(request, op)
    expect((imported.ref as SealedRef).blob).to.deep.equal(new Uint8Array(request.wrapped))
    const exported = await hsm.exportKey(imported.ref as SealedRef, own.spki!, 'RSA-OAEP', op)
    expect(exported).to.deep.equal((imported.ref as SealedRef).blob)
    expect(await hsm.newestRootKey(op)).to.equal(1)
    expect(await hsm.createRootKey(op)).to.equal(2)
    expect(await hsm.rootKeyBackup(op)).to.deep.equal({ recipient: undefined, keys: [], missing: ['kek/1', 'kek/2'] })
    const recipient = new Uint8Array([1, 2, 3])
    providers[0]!.recipient = recipient
    const copy = { purpose: 'kek', oaep: 'RSA-OAEP', wrapped: new Uint8Array(424).fill(7) }
    expect(await hsm.rootKeyBackup(op)).to.deep.equal({
      recipient,
      keys: [1, 2].map(number => ({ ...copy, number })),
      missing: [],
    })
    expect(await hsm.rewrap(imported.ref as SealedRef, op)).to.deep.equal({ ...imported.ref, rootKey: 2 })
    const secret = new Uint8Array(32).fill(5)
    expect(await hsm.openStoreSecret(await hsm.sealStoreSecret(secret, op), op)).to.deep.equal(secret)
    expect(await hsm.destroy(resident, op)).to.equal(undefined)
    expect(await hsm.locate(resident, op)).to.equal(undefined)
    expect(await hsm.health(op)).to.deep.equal({ ok: true, detail: '1 of 1 HSM hosts connected: in memory' })
  })

  it('says of a plugin that backs up no root keys that it does not', async () => {
    await serve(0)
    const hsm = await connect(1)
    Object.defineProperty(providers[0]!, 'rootKeyBackup', { value: undefined })
    expect((await rejection(hsm.rootKeyBackup(op))).code).to.equal('unsupported-mechanism')
  })

  it('tells of each answer: command, host, and both times', async () => {
    await serve(0)
    const told: Answered[] = []
    const hsm = await connect(1, { onAnswer: answered => void told.push(answered) })
    await hsm.sign(resident, 'ES256', digest, op)
    const last = told.at(-1)!
    expect([last.op, last.host]).to.deep.equal(['sign', 0])
    expect(last.micros).to.be.at.least(last.hsmMicros)
  })

  it('spreads calls over the hosts', async () => {
    await serve(0)
    await serve(1)
    const hsm = await connect(2)
    const controller = new AbortController()
    setMaxListeners(0, controller.signal)
    const calls = Array.from({ length: 20 }, () => rejection(hsm.sign(queued, 'ES256', digest, controller)))
    await until('ten each', () => providers.every(provider => provider.waiting === 10))
    controller.abort()
    expect(new Set((await Promise.all(calls)).map(error => error.code))).to.deep.equal(new Set(['cancelled']))
    await until('none waits in a host', () => providers.every(provider => provider.waiting === 0))
  })

  it('gives up at the deadline and tells the host', async () => {
    await serve(0)
    const hsm = await connect(1, { timeoutMs: 50 })
    const error = await rejection(hsm.sign(queued, 'ES256', digest, op))
    expect([error.code, error.facts]).to.deep.equal(['hsm-timeout', { outcome: 'unknown', timeoutMs: 50 }])
    await until('none waits in the host', () => providers[0]!.waiting === 0)
    expect(await hsm.sign(resident, 'ES256', digest, op)).to.have.length(64)
  })

  it('does not even send what is cancelled already', async () => {
    await serve(0)
    const hsm = await connect(1)
    let asked = 0
    providers[0]!.random = async () => (asked++, Buffer.alloc(1))
    expect((await rejection(hsm.random(1, { signal: AbortSignal.abort() }))).code).to.equal('cancelled')
    await hsm.sign(resident, 'ES256', digest, op)
    expect(asked).to.equal(0)
  })

  it('keeps what is beyond the window, bounds it, and refuses the next at once', async () => {
    await serve(0)
    const hsm = await connect(1, { limits: { window: 2, waiting: 2 } })
    const controller = new AbortController()
    const calls = Array.from({ length: 4 }, () => rejection(hsm.sign(queued, 'ES256', digest, controller)))
    await until('two are in the host', () => providers[0]!.waiting === 2)
    expect(hsm.waiting).to.equal(2)
    const error = await rejection(hsm.sign(resident, 'ES256', digest, op))
    expect([error.code, error.facts]).to.deep.equal(['over-capacity', { outcome: 'not-started' }])
    controller.abort()
    const outcomes = (await Promise.all(calls)).map(({ facts }) => (facts as { outcome: string }).outcome)
    expect(outcomes).to.deep.equal(['unknown', 'unknown', 'not-started', 'not-started'])
    expect(await hsm.sign(resident, 'ES256', digest, op)).to.have.length(64)
  })

  it('passes on a refusal of the host, and repeats nothing', async () => {
    await serve(0)
    const hsm = await connect(1)
    let asked = 0
    providers[0]!.random = async () => {
      asked++
      throw new Error('1234')
    }
    const error = await rejection(hsm.random(1, op))
    expect(error.code).to.equal('hsm-failed')
    expect(error.message).not.to.include('1234')
    expect(asked).to.equal(1)
    expect((await rejection(hsm.random(0, op))).code).to.equal('malformed-request')
  })

  it('tells every host of a new root key', async () => {
    await serve(0)
    await serve(1)
    const hsm = await connect(2)
    const asked = [0, 0]
    for (const [index, provider] of providers.entries()) {
      provider.newestRootKey = async () => ++asked[index]! + index
    }
    expect(await hsm.createRootKey(op)).to.equal(2)
    expect(asked).to.deep.equal([1, 1])
    providers[1]!.newestRootKey = async () => {
      throw new Error('not now')
    }
    expect(await hsm.newestRootKey(op)).to.equal(2)
  })

  it('rejects at once what a lost host had, serves on with the others, and comes back by itself', async () => {
    await serve(0)
    await serve(1)
    const hsm = await connect(2)
    const calls = [1, 2].map(() => hsm.sign(queued, 'ES256', digest, op).catch((error: unknown) => error))
    await until('one each', () => providers.every(provider => provider.waiting === 1))
    const closing = hosts[0]!.close()
    const error = (await Promise.race(calls)) as Awaited<ReturnType<typeof rejection>>
    expect(error.code).to.equal('hsm-unavailable')
    await closing
    for (let n = 0; n < 50; n++) await hsm.sign(resident, 'ES256', digest, op)
    expect((await hsm.health(op)).detail).to.match(/^1 of 2/)
    await serve(0)
    await until('both again', async () => (await hsm.health(op)).detail.startsWith('2 of 2'))
  })

  it('waits a moment for a connection that is being made', async () => {
    client = connectHsm({ runDir: dir.path, hosts: 1 })
    const signing = client.sign(resident, 'ES256', digest, op)
    await serve(0)
    expect(await signing).to.have.length(64)
  })

  it('refuses within a second when there is no host, then at once, and says why', async () => {
    client = connectHsm({ runDir: dir.path, hosts: 1 })
    const times: number[] = []
    for (let n = 0; n < 2; n++) {
      const began = performance.now()
      const error = await rejection(client.random(1, op))
      times.push(performance.now() - began)
      expect([error.code, error.facts]).to.deep.equal([
        'hsm-unavailable',
        { reason: 'no-supervisor', outcome: 'not-started' },
      ])
    }
    expect(times[0]).to.be.within(500, 1500)
    expect(times[1]).to.be.below(100)
    const error = { code: 'pin-refused' as const, message: 'The token refused the PIN', facts: {} }
    const host = { index: 0, pid: null, state: 'failed' as const, socket: '', error }
    await writeStatus(dir.path, { state: 'refused', seals: 0, hosts: [host] })
    expect(await client.health(op)).to.deep.equal({
      ok: false,
      detail: '0 of 1 HSM hosts connected: The token refused the PIN',
    })
  })

  it('does not speak to a host in a directory that others may enter', async () => {
    await serve(0)
    await chmod(dir.path, 0o777)
    client = connectHsm({ runDir: dir.path, hosts: 1 })
    expect((await rejection(client.random(1, op))).code).to.equal('hsm-unavailable')
  })

  it('when disposed ends its calls and refuses new ones', async () => {
    await serve(0)
    const hsm = await connect(1)
    const call = rejection(hsm.sign(queued, 'ES256', digest, op))
    await until('it is queued', () => providers[0]!.waiting === 1)
    await hsm[Symbol.asyncDispose]()
    await hsm[Symbol.asyncDispose]()
    expect((await call).code).to.equal('hsm-unavailable')
    expect((await rejection(hsm.random(1, op))).facts).to.deep.equal({ reason: 'closed', outcome: 'not-started' })
    expect((await rejection(hsm.ready(op))).code).to.equal('hsm-unavailable')
  })

  describe('with a host that lies', () => {
    let server: Server
    let answer: (socket: Socket, id: number) => void
    const sockets = new Set<Socket>()

    beforeEach(async () => {
      server = createServer(socket => {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => sockets.delete(socket))
        socket.on('data', chunk => {
          for (let at = 0; at < chunk.length; at += 4 + chunk.readUInt32BE(at)) {
            const { id: asked } = decode(chunk.subarray(at + 4, at + 4 + chunk.readUInt32BE(at))) as {
              id: number
            }
            answer(socket, asked)
          }
        })
      })
      await new Promise<void>(resolve => server.listen(join(dir.path, 'hsm-0.sock'), resolve))
      client = connectHsm({ runDir: dir.path, hosts: 1, timeoutMs: 50 })
      await client.ready(op)
    })
    afterEach(async () => {
      await client![Symbol.asyncDispose]()
      await new Promise(resolve => server.close(resolve))
      await rm(join(dir.path, 'hsm-0.sock'), { force: true })
    })

    for (const [what, ok] of Object.entries({
      text: 'signature',
      nothing: null,
      'no bytes': new Uint8Array(0),
      'a map': {},
    })) {
      it(`takes ${what} for a failure where bytes are due`, async () => {
        answer = (socket, asked) => socket.write(frame([[asked, 1, ok]]))
        expect((await rejection(client!.random(8, op))).code).to.equal('hsm-failed')
      })
    }

    it('hangs up on an answer to what was not asked', async () => {
      answer = (socket, asked) => socket.write(frame([[asked + 1, 1, Buffer.alloc(8)]]))
      expect((await rejection(client!.random(8, op))).code).to.equal('hsm-unavailable')
    })

    it('survives two thousand mutated answers, from a seed, and answers again', async () => {
      const random = randomFrom(20240502)
      let sent = 0
      answer = (socket, asked) => socket.write(mutate(frame(answers[sent++ % answers.length]!(asked)), random))
      const outcomes = new Set<unknown>()
      while (sent < 2000) {
        const before = sent
        const calls = Array.from({ length: 200 }, () =>
          client!.random(8, { signal: new AbortController().signal }).then(
            () => 'ok',
            (error: { code: string }) => error.code,
          ),
        )
        for (const outcome of await Promise.all(calls)) outcomes.add(outcome)
        // one that has promised more bytes than it brought is silent, with all its places taken: as the watchdog does
        if (sent === before) for (const socket of sockets) socket.destroy()
        await client!.ready(op)
      }
      expect([...outcomes]).to.include.members(['ok', 'hsm-unavailable'])
      answer = (socket, asked) => socket.write(frame([[asked, 1, Buffer.alloc(8)]]))
      // what is left of the last mutant may cost one more connection
      await until('an answer', () =>
        client!.random(8, op).then(
          bytes => bytes.length === 8,
          () => false,
        ),
      )
    })
  })
})

function frame(message: object): Buffer {
  const payload = encode(message)
  const header = Buffer.alloc(4)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}

const answers = [
  (asked: number) => [[asked, 3, Buffer.alloc(64, 7)]],
  (asked: number) => [[asked, 3, null, { code: 'hsm-failed', message: 'no', facts: { a: ['b'] } }]],
]
