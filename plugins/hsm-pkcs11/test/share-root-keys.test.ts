import { join } from 'node:path'
import type { SealedRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import type { Cryptoki } from '../src/cryptoki.ts'
import { RootKeyMaker } from '../src/make-root-keys.ts'
import { mark } from '../src/pending.ts'
import { holdingsOf, makeShared, wrappingOf } from '../src/share-root-keys.ts'
import { withTokens, type TokenAt } from '../src/token-at.ts'
import { killedSharing } from './killed-sharing.ts'
import { extractableOn, labelsOn, newTokens, provisionAll, sharedTokens, withOne } from './several-tokens.ts'
import { expectSigns, op, refusal, removeDirectory, sealedKey, temporaryDirectory } from './support.ts'

/** What every token must hold to at any time: what one wraps under, all have. */
async function requireInvariant(configs: readonly Config[]): Promise<readonly (readonly number[])[]> {
  return withTokens(configs, undefined, async tokens => {
    const holdings = await holdingsOf(tokens)
    for (const one of holdings) {
      for (const number of wrappingOf(one)) {
        for (const { whole, token } of holdings)
          expect(whole, `${token.label}, of ${one.token.label}`).to.include(number)
      }
    }
    return holdings.map(wrappingOf)
  })
}

/** The token's module, with something that happens before each call, or in its place when it throws. */
function watched(lib: Cryptoki, before: (name: string, nth: number) => void): Cryptoki {
  let calls = 0
  return new Proxy(lib, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]): unknown => {
        before(String(name), ++calls)
        return Reflect.apply(method, target, args)
      }
    },
  })
}

const deviceError = () => new Error('CKR_DEVICE_ERROR:48')

describe('making root keys on several tokens', function () {
  this.timeout(120_000)
  let directory: string
  let configs: readonly [Config, Config, ...Config[]]

  beforeEach(async () => {
    directory = await temporaryDirectory()
    ;({ configs } = await sharedTokens(directory))
  })
  afterEach(() => removeDirectory(directory))

  const make = (change: (token: TokenAt, index: number) => TokenAt = token => token) =>
    withTokens(configs, undefined, tokens => makeShared(tokens.map(change) as [TokenAt, ...TokenAt[]], undefined))

  const makeWatching = (which: number, before: (name: string, nth: number, token: TokenAt) => void) =>
    make((token, index) =>
      index === which ? { ...token, lib: watched(token.lib, (name, nth) => before(name, nth, token)) } : token,
    )

  for (const [which, name] of ['first', 'second'].entries()) {
    for (const ending of ['at one call', 'from one call on'] as const) {
      it(`is done on all or used on none when the ${name} token fails ${ending}, whichever it is`, async () => {
        let calls = 0
        await makeWatching(which, (_, nth) => (calls = nth))
        const points = 5
        for (let point = 0; point < points; point++) {
          const at = 1 + Math.floor((point * calls) / points)
          const error = await refusal(
            makeWatching(which, (_, nth) => {
              if (nth === at || (nth > at && ending !== 'at one call')) throw deviceError()
            }),
          )
          expect([error.code, typeof error.facts['token']]).to.deep.equal(['hsm-unavailable', 'string'])
          await requireInvariant(configs)
        }
        const number = await make()
        for (const wrapping of await requireInvariant(configs)) expect(wrapping.at(-1)).to.equal(number)
        for (const config of configs) expect(await extractableOn(config)).to.deep.equal([])
      })
    }
  }

  it('takes back what was made when the last of it fails, and may be tried again', async () => {
    const before = await labelsOn(configs[0])
    let copies = 0
    const error = await refusal(
      makeWatching(1, name => {
        if (name === 'C_CopyObject' && ++copies === 3) throw deviceError()
      }),
    )
    expect(error.code).to.equal('hsm-unavailable')
    for (const config of configs) expect(await labelsOn(config)).to.deep.equal(before)
    expect(await make()).to.equal(2)
  })

  /** What was left by a run that was broken off: these tokens have the keys, and these a marker. */
  const leave = (number: number, keysOn: readonly number[], markersOn: readonly number[]) =>
    withTokens(configs, undefined, async tokens => {
      for (const [index, { lib, session, copies }] of tokens.entries()) {
        if (markersOn.includes(index)) mark(lib, session, number)
        if (keysOn.includes(index)) await new RootKeyMaker(lib, copies, undefined).makeGeneration(session, number)
      }
    })

  it('lesson: what a broken run left on one token alone wraps nothing there, and is passed over by the next', async () => {
    await leave(2, [0], [0, 1])
    await withOne(configs, 0, async provider => {
      expect((await provider.token?.(op))?.rootKeys).to.deep.equal([1])
      const key = await sealedKey(provider)
      expect((key.ref as SealedRef).rootKey).to.equal(1)
      expect(await provider.createRootKey(op)).to.equal(3)
      await expectSigns(provider, key)
    })
    expect(await requireInvariant(configs)).to.deep.equal([
      [1, 3],
      [1, 3],
    ])
  })

  it('completes what all tokens have already, and makes another when it was in use', async () => {
    const remark = (markersOn: readonly number[]) => leave(2, [], markersOn)
    expect(await make()).to.equal(2)
    await remark([0, 1])
    expect(await requireInvariant(configs)).to.deep.equal([[1], [1]])
    expect(await make(), 'none had used it').to.equal(2)
    await remark([1])
    const key = await withOne(configs, 0, sealedKey)
    expect((key.ref as SealedRef).rootKey).to.equal(2)
    await withOne(configs, 1, async provider => {
      expect(await provider.newestRootKey(op)).to.equal(1)
      // it has it, and opens with it what the other has wrapped
      await expectSigns(provider, key)
    })
    expect(await make(), 'the first had used it').to.equal(3)
    expect(await requireInvariant(configs)).to.deep.equal([
      [1, 2, 3],
      [1, 2, 3],
    ])
  })

  it('does not complete what has one number on all tokens and is not one key', async () => {
    await leave(2, [0, 1], [0, 1])
    expect(await make()).to.equal(3)
    for (const wrapping of await requireInvariant(configs)) expect(wrapping).to.deep.equal([1, 3])
  })

  it('gives way to another run that makes the same number', async () => {
    const error = await refusal(
      makeWatching(1, (name, _, { lib, session }) => {
        if (name === 'C_GenerateKey') mark(lib, session, 2)
      }),
    )
    expect([error.code, error.facts['reason']]).to.deep.equal(['hsm-failed', 'another-root-key'])
    expect((await labelsOn(configs[0])).length).to.equal(4)
    // the other's is left to it
    expect(await labelsOn(configs[1])).to.include('warder/pending/2')
  })

  it('lesson: killed at any time it leaves no token wrapping under what another lacks', async () => {
    for (const ms of [50, 400, 800]) {
      await killedSharing(configs, ms)
      await requireInvariant(configs)
    }
    const number = await make()
    for (const wrapping of await requireInvariant(configs)) expect(wrapping.at(-1)).to.equal(number)
    for (const config of configs) expect(await extractableOn(config)).to.deep.equal([])
  })

  it('is begun anew in preparing tokens when the first run was broken off, and completed when all have it', async () => {
    for (const number of [2, 1]) {
      const fresh = await newTokens(join(directory, `fresh-${number}`))
      // initialised, and no more than that
      await refusal(provisionAll({ ...fresh, configs: withRecipient(fresh.configs) }))
      configs = fresh.configs
      if (number === 1) await make()
      await leave(1, number === 1 ? [] : [0], [0, 1])
      expect((await provisionAll(fresh))[0]).to.include(`made the root key warder/kek/${number} on the tokens one`)
      expect(await requireInvariant(configs)).to.deep.equal([[number], [number]])
      for (const each of [0, 1]) {
        await withOne(configs, each, async provider => expectSigns(provider, await sealedKey(provider)))
      }
    }
  })
})

// one that is not there fails the run after the tokens are initialised
function withRecipient([one, two]: readonly [Config, Config, ...Config[]]): readonly [Config, Config] {
  return [{ ...one, backupRecipient: '/nowhere/recipient.pem' }, two]
}
