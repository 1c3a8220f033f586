import { createHash, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { until } from '../support/until.ts'
import { SeveralTokens } from './support/several-tokens.ts'

const keys = '/v1/spaces/default/keys'

interface Made {
  readonly name: string
  readonly versions: readonly { readonly token?: string }[]
}

describe('several tokens that share root keys', function () {
  this.timeout(180_000)
  let appliance: SeveralTokens
  let publicKey: KeyObject
  /** The names of resident keys, by the serial number of their token. */
  const residents = new Map<string, string>()
  let serials: readonly string[] = []

  const make = (name: string, custody: 'resident' | 'sealed') =>
    appliance.admin.post<Made>(keys, { name, algorithm: 'P-256', custody })
  const sign = async (name: string, message: Uint8Array) => {
    const input = Buffer.from(message).toString('base64')
    const body = { input, format: 'raw' }
    return appliance.admin.send<{ signature: string; code?: string }>({
      method: 'POST',
      path: `${keys}/${name}:sign`,
      body,
    })
  }
  const signs = async (name: string): Promise<boolean> => {
    const message = randomBytes(32)
    const { status, body } = await sign(name, message)
    return status === 200 && (name !== 'sealed' || isRight(message, body.signature))
  }
  const isRight = (message: Uint8Array, signature: string) =>
    verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'))

  /** Callers that sign with the sealed key while `event` goes on. Answers what came of it. */
  const underLoad = async (event: (done: () => number) => Promise<void>, callers = 8) => {
    const load = {
      /** Digests of what was asked for, and of what was answered with a right signature. */
      sent: new Set<string>(),
      signed: [] as string[],
      failed: [] as { readonly caller: number; readonly code: string }[],
      wrong: 0,
    }
    let enough = false
    const running = Array.from({ length: callers }, async (_, caller) => {
      while (!enough) {
        const message = randomBytes(32)
        const digest = createHash('sha256').update(message).digest('hex')
        load.sent.add(digest)
        const { status, body } = await sign('sealed', message)
        if (status !== 200) {
          load.failed.push({ caller, code: body.code ?? String(status) })
          await delay(20)
        } else if (isRight(message, body.signature)) load.signed.push(digest)
        else load.wrong++
      }
    })
    try {
      await until('calls under way', () => load.signed.length > 50)
      await event(() => load.signed.length)
      const now = load.signed.length
      await until('service after it', () => load.signed.length > now + 50)
    } finally {
      enough = true
      await Promise.all(running)
    }
    return load
  }

  before(async () => {
    appliance = await SeveralTokens.start()
    await make('sealed', 'sealed')
    const { pem } = await appliance.admin.get<{ pem: string }>(`${keys}/sealed/publicKey`)
    publicKey = createPublicKey(pem)
    for (let number = 0; residents.size < 2; number++) {
      const { name, versions } = await make(`resident-${number}`, 'resident')
      residents.set(versions[0]?.token ?? '', name)
      expect(number).to.be.lessThan(40)
    }
  })
  after(() => appliance?.[Symbol.asyncDispose]())

  it('have one ceremony, whose transcript names both and the same root keys', async () => {
    const out = await appliance.well('warder-hsm', ['doctor', '--format', 'json'])
    expect(out).to.match(/2 tokens have the same \d+ root keys/)
    const shown = JSON.parse(await appliance.well('warder-hsm', ['inspect'])) as {
      tokens: { token: { serial: string } }[]
    }
    serials = shown.tokens.map(({ token }) => token.serial)
    expect([...residents.keys()]).to.have.members(serials)
  })

  it('are used side by side; when the hosts of one are killed, only what they had fails, and nothing is signed twice', async () => {
    const kills = 3
    const load = await underLoad(async done => {
      for (let time = 0; time < kills; time++) {
        const [pid] = await appliance.pidsOf(1)
        process.kill(pid!, 'SIGKILL')
        const now = done()
        await until('service meanwhile', () => done() > now + 50)
        await until('another host', async () => (await appliance.pidsOf(1)).some(each => each !== pid), 30_000)
      }
    })
    expect(load.wrong).to.equal(0)
    expect(load.failed.filter(({ code }) => code !== 'hsm-unavailable')).to.deep.equal([])
    // a caller has one request in flight, and the next one goes elsewhere
    for (let caller = 0; caller < 8; caller++) {
      expect(load.failed.filter(each => each.caller === caller).length).to.be.at.most(kills)
    }
    const asked = (await appliance.signedInputs()).filter(input => load.sent.has(input))
    expect(asked.length).to.be.within(load.signed.length * 0.9, load.signed.length + load.failed.length)
    expect(new Set(asked).size).to.equal(asked.length)
  })

  it('when one is gone: its resident keys are refused at once, all else goes on, and it is used again when it is back', async () => {
    const [first, second] = serials
    const [here, gone] = [residents.get(first!)!, residents.get(second!)!]
    let bringBack: () => Promise<void> = async () => {}
    const load = await underLoad(async () => {
      bringBack = await appliance.takeAway(second!)
      await until('it is missed', async () => (await appliance.health()).includes(`${second}) cannot be used`), 30_000)
    })
    expect(load.wrong).to.equal(0)
    expect(load.failed.filter(({ code }) => code !== 'hsm-unavailable')).to.deep.equal([])
    const after = await underLoad(async () => {
      await until('the grace is over', async () => (await sign(gone, randomBytes(32))).status === 503)
      const asked = performance.now()
      const { status, body } = await sign(gone, randomBytes(32))
      expect([status, body.code]).to.deep.equal([503, 'hsm-unavailable'])
      expect(performance.now() - asked).to.be.lessThan(1000)
      expect(await signs(here)).to.equal(true)
    })
    expect([after.wrong, after.failed]).to.deep.equal([0, []])
    await bringBack()
    await until('it is used again', () => signs(gone), 30_000)
    expect(await appliance.health()).not.to.contain('cannot be used')
  })

  it('start the appliance alone, whichever it is', async () => {
    for (const [away, left] of [serials, serials.toReversed()] as const) {
      await appliance.stop()
      const bringBack = await appliance.takeAway(away!)
      await appliance.startHsm()
      await appliance.startApi()
      expect(await signs('sealed')).to.equal(true)
      expect(await signs(residents.get(left!)!)).to.equal(true)
      expect((await sign(residents.get(away!)!, randomBytes(32))).body.code).to.equal('hsm-unavailable')
      await bringBack()
      await until('the other joins', () => signs(residents.get(away!)!), 30_000)
    }
  })

  it('are joined by another by a rotation of the root keys, and that one carries the load alone', async () => {
    await appliance.add('third')
    await appliance.well('warder-hsm', ['init', '--new-token'])
    await appliance.restart()
    expect(await appliance.said('warder-hsm', ['doctor'])).to.match(/root keys differ.*lacks.*warder root-key rotate/s)
    await until('all three', async () => (await appliance.health()).includes('3 of 3'), 30_000)
    await appliance.admin.post('/v1/rootKeys:rotate')
    await until(
      'all are rewrapped',
      async () => {
        const { state } = await appliance.admin.get<{ state: string }>('/v1/rootKeys')
        return state === 'done'
      },
      30_000,
    )
    for (const serial of serials) await appliance.takeAway(serial)
    await until(
      'both are missed',
      async () => (await appliance.health()).match(/cannot be used/g)?.length === 2,
      30_000,
    )
    const load = await underLoad(async () => {})
    expect([load.wrong, load.failed]).to.deep.equal([0, []])
    expect((await sign(residents.get(serials[0]!)!, randomBytes(32))).body.code).to.equal('hsm-unavailable')
  })

  it('are all lost, with all data: fresh ones get the root keys of a backup, and each signs with a sealed key from before', async () => {
    const backup = await appliance.backUp()
    await appliance.loseAll()
    const restored = await appliance.well('warder-hsm', ['restore', ...backup, '--new-token'])
    for (const label of appliance.labels) expect(restored).to.include(`initialised the token ${label}, `)
    expect(restored.match(/restored the root key warder\/kek\/2/g)).to.have.length(appliance.labels.length)
    await appliance.startHsm()
    await appliance.well('warder', ['restore', ...backup])
    await appliance.startApi()
    await until('all three', async () => (await appliance.health()).includes('3 of 3'), 30_000)
    const unused = async () => {
      const unwraps = await Promise.all(appliance.labels.map((_, token) => appliance.unwraps(token)))
      return appliance.labels.filter((_, token) => unwraps[token] === 0)
    }
    expect(await unused()).to.deep.equal(appliance.labels)
    await until(
      'each token has used it',
      async () => {
        const load = await Promise.all(Array.from({ length: 48 }, () => signs('sealed')))
        expect(load).not.to.include(false)
        return (await unused()).length === 0
      },
      30_000,
    )
    expect((await sign(residents.get(serials[0]!)!, randomBytes(32))).body.code).to.equal('hsm-key-missing')
  })
})
