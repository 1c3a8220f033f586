import { randomBytes } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Ciphertext, KeyRef, Op, SignatureAlgorithm } from '@warder/contract'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { decode } from '../../src/hsm/codec.ts'
import { FrameReader } from '../../src/hsm/frame-reader.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import { maxRun } from '../../src/hsm/runs.ts'
import { keepLog } from './support/kept-log.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id: 'ab'.repeat(16) } as const
const op = (): Op => ({ signal: new AbortController().signal })
/** Digests that begin so wait until they are aborted. */
const waits = 0xee
const digest = new Uint8Array(32)
const queued = new Uint8Array(32).fill(waits)

class QueueingProvider extends MemoryProvider {
  readonly asked: Uint8Array[] = []
  override sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, asked: Op): Promise<Uint8Array> {
    this.asked.push(input.slice())
    return input[0] === waits ? this.whenAborted(asked) : super.sign(ref, algorithm, input, asked)
  }
}

describe('the calls of a run', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  let provider: QueueingProvider
  let host: HsmHost
  let client: HsmClient
  let relay: Server
  /** What the client has sent. */
  let frames: unknown[]
  let cut: () => void
  /** What goes to the client right behind the next that the host says. */
  let addition: Buffer

  // the client reaches the host through a relay, where what it sends can be looked at
  beforeEach(async () => {
    dir = await makeRunDir()
    provider = new QueueingProvider()
    await provider.generate({ ...resident, exportable: false })
    host = await serveProvider(provider, { socketPath: join(dir.path, 'behind.sock'), log: keepLog(), drainMs: 0 })
    frames = []
    addition = Buffer.alloc(0)
    relay = createServer(near => {
      const far = connect(join(dir.path, 'behind.sock'))
      const reader = new FrameReader()
      near.on('data', chunk => {
        reader.push(Buffer.from(chunk), payload => frames.push(decode(payload)))
        far.write(chunk)
      })
      far.on('data', chunk => {
        near.write(Buffer.concat([chunk, addition]))
        addition = Buffer.alloc(0)
      })
      for (const [one, other] of [[near, far] as const, [far, near] as const]) {
        one.on('error', () => {})
        one.on('close', () => other.destroy())
      }
      cut = () => near.destroy()
    })
    await new Promise<void>(resolve => relay.listen(join(dir.path, 'hsm-0.sock'), resolve))
    client = connectHsm({ runDir: dir.path, hosts: 1, limits: { window: 200 } })
    await client.ready(op())
  })
  afterEach(async () => {
    await client[Symbol.asyncDispose]()
    await new Promise(resolve => relay.close(resolve))
    await host.close()
    await dir.remove()
  })
  const lengths = () => frames.flatMap(frame => (Array.isArray(frame) ? [(frame[3] as unknown[]).length] : []))

  it('leave together when one turn asked for them, so many in a frame, and each has its own answer', async () => {
    const inputs = Array.from({ length: 3 * maxRun + 4 }, (_, n) => new Uint8Array(32).fill(n))
    const made = await Promise.all(
      inputs.map((input, n) => client.sign(resident, 'ES256', input, { ...op(), tenant: `tenant ${n % 2}` })),
    )
    expect(lengths()).to.deep.equal([maxRun, maxRun, maxRun, 4])
    expect(provider.asked).to.deep.equal(inputs)
    // ECDSA: no two are alike
    expect(new Set(made.map(signature => Buffer.from(signature).toString('hex'))).size).to.equal(inputs.length)
  })

  it('are cancelled alone: one that was queued is taken out, and the others go on', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const ends = [one, other].map(({ signal }) => rejection(client.sign(resident, 'ES256', queued, { signal })))
    const signed = client.sign(resident, 'ES256', digest, op())
    expect(await signed).to.have.length(64)
    await until('both are queued', () => provider.waiting === 2)
    one.abort()
    await until('one has been taken out', () => provider.waiting === 1)
    expect([(await ends[0]!).code, (await ends[0]!).facts]).to.deep.equal(['cancelled', { outcome: 'unknown' }])
    other.abort()
    expect((await ends[1]!).code).to.equal('cancelled')
    expect(lengths()).to.deep.equal([3])
  })

  it('end at their own deadlines', async () => {
    const impatient = connectHsm({ runDir: dir.path, hosts: 1, timeoutMs: 60 })
    await impatient.ready(op())
    const late = rejection(impatient.sign(resident, 'ES256', queued, op()))
    expect(await impatient.sign(resident, 'ES256', digest, op())).to.have.length(64)
    expect((await late).code).to.equal('hsm-timeout')
    await until('nothing is queued any more', () => provider.waiting === 0)
    await impatient[Symbol.asyncDispose]()
  })

  it('do not leave when they are cancelled in the turn that asked for them, and their place is free', async () => {
    const narrow = connectHsm({ runDir: dir.path, hosts: 1, limits: { window: 1 } })
    await narrow.ready(op())
    const controller = new AbortController()
    const cancelled = rejection(narrow.sign(resident, 'ES256', queued, controller))
    const next = narrow.sign(resident, 'ES256', digest, op())
    expect(narrow.waiting).to.equal(1)
    controller.abort()
    expect([(await cancelled).code, (await cancelled).facts]).to.deep.equal(['cancelled', { outcome: 'not-started' }])
    expect(await next).to.have.length(64)
    expect(provider.asked).to.deep.equal([digest])
    await narrow[Symbol.asyncDispose]()
  })

  it('fail alone: a wrong tag among good ones', async () => {
    const key = { custody: 'resident', algorithm: 'AES-256', usage: 'encrypt', id: 'cd'.repeat(16) } as const
    await provider.generate({ ...key, exportable: false })
    const plaintexts = Array.from({ length: 5 }, () => randomBytes(40))
    const aad = Buffer.from('aad')
    const sealed = await Promise.all(plaintexts.map(plaintext => client.encrypt(key, plaintext, aad, op())))
    sealed[2]!.ciphertext[0]! ^= 1
    const inputs = sealed.map((each): Ciphertext => ({ algorithm: 'A256GCM', aad, ...each }))
    const opened = await Promise.allSettled(inputs.map(input => client.decrypt(key, input, op())))
    expect(opened.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    const values = opened.map(each => (each.status === 'fulfilled' ? Buffer.from(each.value) : undefined))
    expect(values).to.deep.equal([...plaintexts.slice(0, 2), undefined, ...plaintexts.slice(3)])
    expect(lengths()).to.deep.equal([5, 5])
  })

  it('are of unknown outcome when the host is lost, each of them, and none is done again', async () => {
    const calls = Array.from({ length: 5 }, () => rejection(client.sign(resident, 'ES256', queued, op())))
    await until('all are with the host', () => provider.waiting === 5)
    cut()
    for (const { code, facts } of await Promise.all(calls)) {
      expect([code, facts]).to.deep.equal(['hsm-unavailable', { reason: 'host-lost', outcome: 'unknown' }])
    }
    expect(provider.asked).to.have.length(5)
    await until('nothing is queued any more', () => provider.waiting === 0)
  })

  it('go again when the host is lost before they have left, and not when it is lost after: all were told as unknown', async () => {
    const left = rejection(client.sign(resident, 'ES256', queued, op()))
    await until('it is with the host', () => provider.waiting === 1)
    const inputs = [1, 2, 3].map(n => new Uint8Array(32).fill(n))
    // no frame: the client has hung up when the answer before it makes the next calls
    addition = Buffer.alloc(4)
    const next = client
      .sign(resident, 'ES256', digest, op())
      .then(() =>
        Promise.all([client.random(8, op()), ...inputs.map(input => client.sign(resident, 'ES256', input, op()))]),
      )
    const { code, facts } = await left
    expect([code, facts]).to.deep.equal(['hsm-unavailable', { reason: 'host-lost', outcome: 'unknown' }])
    expect((await next).map(answer => answer.length)).to.deep.equal([8, 64, 64, 64])
    expect(provider.asked).to.deep.equal([queued, digest, ...inputs])
  })

  it('are refused when they fit no frame, and others beside them are not', async () => {
    const key = { ...resident, algorithm: 'Ed25519', id: 'ef'.repeat(16) } as const
    await provider.generate({ ...key, exportable: false })
    const large = rejection(client.sign(key, 'EdDSA', new Uint8Array(1024 * 1024), op()))
    const signed = client.sign(key, 'EdDSA', digest, op())
    expect((await large).code).to.equal('body-too-large')
    expect(await signed).to.have.length(64)
  })
})
