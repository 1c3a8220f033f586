import { join } from 'node:path'
import type { KeyProvider, KeySpec, Op, TokenState } from '@warder/contract'
import { expect } from 'chai'
import { connectHsm, type HsmClient } from '../../src/hsm/client.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import { keepLog } from './support/kept-log.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const id = 'ab'.repeat(16)
const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id } as const
const sealedBy = (rootKey: number) =>
  ({
    custody: 'sealed',
    algorithm: 'P-256',
    usage: 'sign',
    exportable: false,
    rootKey,
    blob: new Uint8Array(40),
  }) as const
const spec = { algorithm: 'P-256', usage: 'sign', custody: 'sealed', exportable: false, id } as const
const digest = new Uint8Array(32)

const factsOf = (error: { readonly facts?: object }) =>
  (error.facts ?? {}) as { readonly token?: string; readonly outcome?: string }

/** Answers a signature with its serial number; while `gate` is closed, not before it is opened. */
class OneOfSeveral extends MemoryProvider {
  readonly state: TokenState
  signed = 0
  begun = 0
  generated = 0
  gate: Promise<void> = Promise.resolve()
  /** Told of new root keys. */
  peers: OneOfSeveral[] = []

  constructor(serial: string, rootKeys: readonly number[]) {
    super()
    this.state = { serial, rootKeys: [...rootKeys] }
  }

  async token(): Promise<TokenState> {
    return this.state
  }

  override async sign(): Promise<Uint8Array> {
    this.begun++
    await this.gate
    this.signed++
    return new TextEncoder().encode(this.state.serial)
  }

  override async generate(wanted: KeySpec) {
    this.generated++
    return super.generate(wanted)
  }

  override async createRootKey(): Promise<number> {
    const all = [this, ...this.peers]
    const next = 1 + Math.max(...all.flatMap(({ state }) => state.rootKeys))
    for (const { state } of all) (state.rootKeys as number[]).push(next)
    return next
  }
}

describe('several tokens', function () {
  this.timeout(30_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  const hosts: HsmHost[] = []
  let hsm: HsmClient

  const serve = async (index: number, provider: KeyProvider) => {
    const socketPath = join(dir.path, `hsm-${index}.sock`)
    hosts[index] = await serveProvider(provider, { socketPath, log: keepLog(), drainMs: 100 })
  }
  const connect = async (count: number, limits = {}) => {
    hsm = connectHsm({ runDir: dir.path, hosts: 2, tokens: 2, limits })
    await until('so many tokens', async () => (await hsm.tokensInReach(of())).length === count)
  }
  const of = (tenant = 'a'): Op => ({ signal: new AbortController().signal, tenant })
  const signedBy = async (ref: Parameters<KeyProvider['sign']>[0]) =>
    new TextDecoder().decode(await hsm.sign(ref, 'ES256', digest, of()))

  beforeEach(async () => {
    dir = await makeRunDir()
    hosts.length = 0
  })
  afterEach(async () => {
    await hsm[Symbol.asyncDispose]()
    await Promise.all(hosts.map(host => host?.close()))
    await dir.remove()
  })

  it('each get the calls that they alone can do, and share those that all can', async () => {
    const [a, b] = [new OneOfSeveral('A', [1, 2]), new OneOfSeveral('B', [1])]
    await Promise.all([serve(0, a), serve(1, b)])
    await connect(2)
    expect(await signedBy({ ...resident, token: 'A' })).to.equal('A')
    expect(await signedBy({ ...resident, token: 'B' })).to.equal('B')
    expect(await signedBy(resident)).to.equal('A')
    expect(await signedBy(sealedBy(2))).to.equal('A')
    await Promise.all(Array.from({ length: 64 }, () => signedBy(sealedBy(1))))
    expect(Math.min(a.signed, b.signed)).to.be.greaterThan(10)
  })

  it('make sealed keys where the newest root key is, and on each other again once a new one was made', async () => {
    const [a, b] = [new OneOfSeveral('A', [1, 2]), new OneOfSeveral('B', [])]
    a.peers = [b]
    await Promise.all([serve(0, a), serve(1, b)])
    await connect(2)
    await Promise.all(Array.from({ length: 20 }, () => hsm.generate(spec, of())))
    expect([a.generated, b.generated]).to.deep.equal([20, 0])
    expect(await hsm.createRootKey(of())).to.equal(3)
    await Promise.all(Array.from({ length: 20 }, () => hsm.generate(spec, of())))
    expect(b.generated).to.be.greaterThan(0)
  })

  it('refuse a key of a token that is none of them as missing, and at once', async () => {
    await Promise.all([serve(0, new OneOfSeveral('A', [1])), serve(1, new OneOfSeveral('B', [1]))])
    await connect(2)
    const error = await rejection(hsm.sign({ ...resident, token: 'C' }, 'ES256', digest, of()))
    expect([error.code, factsOf(error).outcome]).to.deep.equal(['hsm-key-missing', 'not-started'])
  })

  it('do not wait for each other: one that takes its time holds up no call of another', async () => {
    const [a, b] = [new OneOfSeveral('A', [1]), new OneOfSeveral('B', [1])]
    await Promise.all([serve(0, a), serve(1, b)])
    await connect(2, { window: 4 })
    let open = () => {}
    a.gate = new Promise(resolve => (open = resolve))
    const slow = Array.from({ length: 40 }, () => signedBy({ ...resident, token: 'A' }))
    await until('the window is full', () => a.begun === 4 && hsm.waiting === 36)
    for (let call = 0; call < 40; call++) expect(await signedBy({ ...resident, token: 'B' })).to.equal('B')
    expect(await Promise.all(Array.from({ length: 12 }, () => signedBy(sealedBy(1))))).to.deep.equal(
      Array.from({ length: 12 }, () => 'B'),
    )
    expect(a.begun).to.equal(4)
    open()
    await Promise.all(slow)
  })

  it('when one is lost: its calls end as unknown, its keys are refused after the grace and then at once, all else goes on', async () => {
    const [a, b] = [new OneOfSeveral('A', [1]), new OneOfSeveral('B', [1])]
    await Promise.all([serve(0, a), serve(1, b)])
    await connect(2)
    b.gate = new Promise(() => {})
    const caught = Array.from({ length: 3 }, () => rejection(signedBy({ ...resident, token: 'B' })))
    await until('the calls were begun', () => b.begun === 3)
    await hosts[1]!.close(0)
    for (const error of await Promise.all(caught)) {
      expect([error.code, factsOf(error).outcome]).to.deep.equal(['hsm-unavailable', 'unknown'])
    }
    expect(b.begun).to.equal(3)
    const lostAt = performance.now()
    for (let call = 0; call < 20; call++) expect(await signedBy(sealedBy(1))).to.equal('A')
    expect(performance.now() - lostAt).to.be.lessThan(900)
    const refused = await rejection(signedBy({ ...resident, token: 'B' }))
    expect([refused.code, factsOf(refused).token, factsOf(refused).outcome]).to.deep.equal([
      'hsm-unavailable',
      'B',
      'not-started',
    ])
    const again = performance.now()
    expect((await rejection(signedBy({ ...resident, token: 'B' }))).code).to.equal('hsm-unavailable')
    expect(performance.now() - again).to.be.lessThan(500)
    expect(await signedBy({ ...resident, token: 'A' })).to.equal('A')
    expect((await hsm.health(of())).detail).to.contain('token 2 of 2 (B) cannot be used')
    expect((await hsm.health(of())).ok).to.equal(true)
    await serve(1, new OneOfSeveral('B', [1]))
    await until('it is back', async () => (await hsm.tokensInReach(of())).length === 2)
    expect(await signedBy({ ...resident, token: 'B' })).to.equal('B')
  })

  it('serve what they can while another has never been there, and wait for that one alone', async () => {
    const b = new OneOfSeveral('B', [1])
    await serve(1, b)
    await connect(1)
    expect(await signedBy(sealedBy(1))).to.equal('B')
    const waits = signedBy({ ...resident, token: 'A' })
    expect(await signedBy({ ...resident, token: 'B' })).to.equal('B')
    await serve(0, new OneOfSeveral('A', [1]))
    expect(await waits).to.equal('A')
  })
})
