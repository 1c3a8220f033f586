import { join } from 'node:path'
import { WarderError, type KeyProvider, type Op } from '@warder/contract'
import { expect } from 'chai'
import { Breaker, faultsToOpen } from '../../src/hsm/breaker.ts'
import { connectHsm, type ConnectOptions, type HsmClient } from '../../src/hsm/client.ts'
import { serveProvider, type HsmHost } from '../../src/hsm/host.ts'
import { keepLog } from './support/kept-log.ts'
import { MemoryProvider } from './support/memory-provider.ts'
import { makeRunDir } from './support/run-dir.ts'
import { rejection, until } from './support/until.ts'

const id = 'ab'.repeat(16)
const resident = { custody: 'resident', algorithm: 'P-256', usage: 'sign', id } as const
const spec = { algorithm: 'RSA-4096', usage: 'sign', custody: 'resident', exportable: false, id } as const
const digest = new Uint8Array(32)

/** Does nothing until it is let: calls begun wait in {@link GatedProvider.begun}, in the order they came. */
class GatedProvider extends MemoryProvider {
  /** Of each call that waits: its first byte, and how to let it go on. */
  readonly begun: { readonly byte: number; readonly finish: () => void }[] = []
  generations = 0
  signed = 0

  override async sign(...[, , input]: Parameters<KeyProvider['sign']>): Promise<Uint8Array> {
    await new Promise<void>(finish => this.begun.push({ byte: input[0]!, finish }))
    this.signed++
    return Uint8Array.from(input)
  }

  override async generate(): Promise<never> {
    this.generations++
    return new Promise<never>(() => {})
  }
}

/** Signs at once, and counts. */
class CountingProvider extends MemoryProvider {
  signed = 0
  override async sign(...[, , input]: Parameters<KeyProvider['sign']>): Promise<Uint8Array> {
    this.signed++
    return Uint8Array.from(input)
  }
}

const inputOf = (byte: number) => new Uint8Array(32).fill(byte)

describe('dispatcher', function () {
  this.timeout(60_000)
  let dir: Awaited<ReturnType<typeof makeRunDir>>
  const hosts: HsmHost[] = []
  let client: HsmClient

  const serve = async (index: number, provider: KeyProvider) => {
    const socketPath = join(dir.path, `hsm-${index}.sock`)
    hosts[index] = await serveProvider(provider, { socketPath, log: keepLog(), drainMs: 500 })
    return hosts[index]
  }
  const connect = async (count: number, options: Partial<ConnectOptions> = {}) => {
    client = connectHsm({ runDir: dir.path, hosts: count, ...options })
    await until('all hosts', async () => (await client.health(of())).detail.startsWith(`${count} of`))
    return client
  }
  const of = (tenant?: string, signal = new AbortController().signal): Op => ({ signal, ...(tenant && { tenant }) })

  beforeEach(async () => {
    dir = await makeRunDir()
    hosts.length = 0
  })
  afterEach(async () => {
    await client[Symbol.asyncDispose]()
    await Promise.all(hosts.map(host => host.close()))
    await dir.remove()
  })

  it('serves one who asks now and then before at most what the host has already, whatever another has waiting', async () => {
    const provider = new GatedProvider()
    await serve(0, provider)
    const hsm = await connect(1, { limits: { window: 4 } })
    const busy = Array.from({ length: 200 }, () => hsm.sign(resident, 'ES256', inputOf(1), of('busy')))
    await until('the window is full', () => provider.begun.length === 4)
    for (let round = 0; round < 20; round++) {
      let answered = false
      const quiet = hsm.sign(resident, 'ES256', inputOf(2), of('quiet')).then(() => (answered = true))
      let before = 0
      while (!answered) {
        await until('the next', () => provider.begun.length > 0 || answered)
        const next = provider.begun.shift()
        if (next?.byte === 1) before++
        next?.finish()
        if (next?.byte === 2) await quiet
      }
      // four in the host when it came, and at most one whose turn it was
      expect(before).to.be.at.most(5)
    }
    const all = Promise.all(busy)
    let done = false
    void all.then(() => (done = true))
    while (!done) {
      provider.begun.shift()?.finish()
      await new Promise(resolve => setImmediate(resolve))
    }
  })

  it('removes what waits when its caller leaves or its time is over, and the HSM never hears of it', async () => {
    const provider = new GatedProvider()
    await serve(0, provider)
    const hsm = await connect(1, { limits: { window: 1 }, timeoutMs: 60_000 })
    const first = hsm.sign(resident, 'ES256', inputOf(1), of())
    await until('it is in the host', () => provider.begun.length === 1)
    const controller = new AbortController()
    const leaving = rejection(hsm.sign(resident, 'ES256', inputOf(2), of('a', controller.signal)))
    const last = hsm.sign(resident, 'ES256', inputOf(3), of('a'))
    expect(hsm.waiting).to.equal(2)
    controller.abort()
    const error = await leaving
    expect([error.code, error.facts]).to.deep.equal(['cancelled', { outcome: 'not-started' }])
    expect(hsm.waiting).to.equal(1)
    provider.begun.shift()!.finish()
    await first
    await until('the next is in the host', () => provider.begun.length === 1)
    expect(provider.begun[0]!.byte).to.equal(3)
    provider.begun.shift()!.finish()
    await last
    expect(provider.signed).to.equal(2)
  })

  it('says of a call whose time is over before its turn that it was not started', async () => {
    const provider = new GatedProvider()
    await serve(0, provider)
    const hsm = await connect(1, { limits: { window: 1 }, timeoutMs: 300 })
    const calls = [1, 2].map(byte => rejection(hsm.sign(resident, 'ES256', inputOf(byte), of())))
    const outcomes = (await Promise.all(calls)).map(({ code, facts }) => [code, facts])
    expect(outcomes).to.deep.equal([
      ['hsm-timeout', { outcome: 'unknown', timeoutMs: 300 }],
      ['hsm-timeout', { outcome: 'not-started', timeoutMs: 300 }],
    ])
    expect(provider.begun).to.have.length(1)
  })

  it('does not let key generation take the places of signatures', async () => {
    const provider = new GatedProvider()
    await serve(0, provider)
    const hsm = await connect(1, { limits: { window: 2, changing: 2 } })
    for (let n = 0; n < 50; n++) void hsm.generate(spec, of('a')).catch(() => undefined)
    await until('two are in the host', () => provider.generations === 2)
    const signing = hsm.sign(resident, 'ES256', inputOf(1), of('b'))
    await until('it is signed', () => provider.begun.length === 1)
    provider.begun.shift()!.finish()
    await signing
    expect([provider.generations, hsm.waiting]).to.deep.equal([2, 48])
  })

  it('has one host change what is on the token, and another one when that is gone', async () => {
    // SoftHSM misses in a process that makes an object what other processes make meanwhile, and does not look again
    const providers = [new GatedProvider(), new GatedProvider()] as const
    for (const [index, provider] of providers.entries()) await serve(index, provider)
    const hsm = await connect(2, { limits: { changing: 2 } })
    const generate = (custody: 'resident' | 'sealed'): void => {
      const op = of()
      void hsm.generate({ ...spec, custody }, op).catch(() => undefined)
    }
    const counts = (): readonly number[] => providers.map(({ generations }) => generations)
    for (let each = 0; each < 2; each++) generate('resident')
    await until('two have begun', () => counts().join() === '2,0' || counts().join() === '0,2')
    const changer = counts()[0] === 2 ? 0 : 1
    generate('resident')
    // of keys that are no objects of the token the idle one makes its part
    generate('sealed')
    await until('it has begun', () => providers[1 - changer]!.generations === 1)
    expect(providers[changer].generations).to.equal(2)
    await hosts[changer]!.close(0)
    await until('the third has begun at the other', () => providers[1 - changer]!.generations === 2)
  })

  it('refuses a tenant whose queue is full, and no other', async () => {
    const provider = new GatedProvider()
    await serve(0, provider)
    const hsm = await connect(1, { limits: { window: 1, waiting: 10, waitingOfTenant: 6 } })
    const ofA = Array.from({ length: 7 }, () => hsm.sign(resident, 'ES256', digest, of('a')).catch(() => undefined))
    const error = await rejection(hsm.sign(resident, 'ES256', digest, of('a')))
    expect([error.code, error.facts]).to.deep.equal(['over-capacity', { outcome: 'not-started' }])
    const ofB = Array.from({ length: 5 }, () => hsm.sign(resident, 'ES256', digest, of('b')).catch(() => undefined))
    // ten wait: six of one, four of the other, whose fifth has taken the place of the first one's last
    expect(hsm.waiting).to.equal(10)
    let done = false
    void Promise.all([...ofA, ...ofB]).then(() => (done = true))
    while (!done) {
      provider.begun.shift()?.finish()
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(provider.signed).to.equal(11)
  })

  describe('when a host has lost its token', () => {
    /** Answers as a provider does whose token is gone, until it is mended. */
    class LosingProvider extends CountingProvider {
      lost = false
      refused = 0
      override async sign(...args: Parameters<KeyProvider['sign']>): Promise<Uint8Array> {
        if (!this.lost) return super.sign(...args)
        this.refused++
        throw new WarderError('hsm-unavailable', 'the token is gone')
      }
      override async health() {
        return { ok: !this.lost, detail: this.lost ? 'gone' : 'well' }
      }
    }

    it('it is given no calls after a few, the other serves, and a good probe brings it back', async () => {
      const [losing, sound] = [new LosingProvider(), new CountingProvider()]
      await serve(0, losing)
      await serve(1, sound)
      const hsm = await connect(2)
      losing.lost = true
      const failed: unknown[] = []
      for (let n = 0; n < 100; n++) {
        await hsm.sign(resident, 'ES256', digest, of()).catch((error: unknown) => failed.push(error))
      }
      expect(losing.refused).to.equal(faultsToOpen)
      expect(failed).to.have.length(faultsToOpen)
      const refused = losing.refused
      for (let n = 0; n < 50; n++) await hsm.sign(resident, 'ES256', digest, of())
      expect(losing.refused).to.equal(refused)
      expect(hsm.setAside).to.deep.equal([0])
      const { ok, detail } = await hsm.health(of())
      expect([ok, detail]).to.deep.equal([true, '2 of 2 HSM hosts connected, 1 set aside: gone'])
      losing.lost = false
      await until('it is back', () => hsm.setAside.length === 0)
      const before = losing.signed
      await until('it serves', async () => {
        await hsm.sign(resident, 'ES256', digest, of())
        return losing.signed > before
      })
    })

    it('with no other, calls wait for it a moment and are then refused as not started', async () => {
      const losing = new LosingProvider()
      await serve(0, losing)
      const hsm = await connect(1)
      losing.lost = true
      for (let n = 0; n < faultsToOpen; n++) await rejection(hsm.sign(resident, 'ES256', digest, of()))
      const error = await rejection(hsm.sign(resident, 'ES256', digest, of()))
      expect([error.code, (error.facts as { outcome?: string }).outcome]).to.deep.equal([
        'hsm-unavailable',
        'not-started',
      ])
      expect(losing.refused).to.equal(faultsToOpen)
      losing.lost = false
      await until('it is back', () => hsm.setAside.length === 0)
      await hsm.sign(resident, 'ES256', digest, of())
    })

    it('no input of a caller sets it aside', () => {
      const breaker = new Breaker()
      for (const code of ['hsm-failed', 'decryption-failed', 'hsm-key-missing', 'malformed-request'] as const) {
        for (let n = 0; n < 10; n++) expect(breaker.answered(new WarderError(code, ''))).to.equal(false)
      }
      expect(breaker.open).to.equal(false)
      for (let n = 1; n < faultsToOpen; n++) breaker.answered(new WarderError('hsm-unavailable', ''))
      breaker.answered(undefined)
      expect(breaker.answered(new WarderError('hsm-unavailable', ''))).to.equal(false)
    })
  })

  describe('when a host stops', () => {
    /** Fifty at a time, each as soon as it can, until told to stop: answers what failed. */
    const load = (hsm: HsmClient) => {
      const failed: unknown[] = []
      let going = true
      let answered = 0
      const lane = async () => {
        while (going) {
          await hsm.sign(resident, 'ES256', digest, of()).then(
            () => answered++,
            (error: unknown) => failed.push(error),
          )
        }
      }
      const lanes = Array.from({ length: 50 }, lane)
      return {
        failed,
        answered: () => answered,
        end: async () => {
          going = false
          await Promise.all(lanes)
        },
      }
    }

    it('hands its calls to another, and no caller sees anything of it', async () => {
      const providers = [new CountingProvider(), new CountingProvider()]
      for (const [index, provider] of providers.entries()) await serve(index, provider)
      const hsm = await connect(2, { limits: { window: 8 } })
      const underWay = load(hsm)
      for (let round = 0; round < 6; round++) {
        const index = round % 2
        const before = underWay.answered()
        await until('some are answered', () => underWay.answered() > before + 200)
        await hosts[index]!.close()
        const without = underWay.answered()
        await until('the other serves', () => underWay.answered() > without + 200)
        await serve(index, providers[index]!)
        await until('both again', async () => (await hsm.health(of())).detail.startsWith('2 of 2'))
      }
      await underWay.end()
      expect(underWay.failed).to.deep.equal([])
      // each call was done once: none was repeated, none was lost
      expect(providers[0]!.signed + providers[1]!.signed).to.equal(underWay.answered())
    })

    it('keeps its calls for the next one, when that comes within the grace', async () => {
      const provider = new CountingProvider()
      await serve(0, provider)
      const hsm = await connect(1)
      const underWay = load(hsm)
      for (let round = 0; round < 3; round++) {
        const before = underWay.answered()
        await until('some are answered', () => underWay.answered() > before + 200)
        await hosts[0]!.close()
        await serve(0, provider)
      }
      const before = underWay.answered()
      await until('it goes on', () => underWay.answered() > before + 200)
      await underWay.end()
      expect(underWay.failed).to.deep.equal([])
      expect(provider.signed).to.equal(underWay.answered())
    })

    it('still lets what it has begun end, and repeats none of it when it does not', async () => {
      const [stopping, other] = [new GatedProvider(), new CountingProvider()]
      await serve(0, stopping)
      const hsm = await connect(1)
      const begun = [1, 2].map(byte => hsm.sign(resident, 'ES256', inputOf(byte), of()))
      await until('both are begun', () => stopping.begun.length === 2)
      const closing = hosts[0]!.close()
      stopping.begun[0]!.finish()
      expect(await begun[0]).to.deep.equal(inputOf(1))
      const error = await rejection(begun[1]!)
      expect(WarderError.is(error, 'hsm-unavailable') && error.facts['outcome']).to.equal('unknown')
      await closing
      await serve(0, other)
      await hsm.sign(resident, 'ES256', inputOf(3), of())
      expect(other.signed).to.equal(1)
    })
  })
})
