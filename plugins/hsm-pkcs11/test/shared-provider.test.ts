import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyProvider, SealedRef } from '@warder/contract'
import { expect } from 'chai'
import type { Config } from '../src/config.ts'
import { plugin } from '../src/plugin.ts'
import { atOnce } from './at-once.ts'
import { createEmptyNssToken } from './conformance/nss-token.ts'
import { destroyOn, extractableOn, labelsOn, openOne, sharedTokens, withOne, type Tokens } from './several-tokens.ts'
import {
  expectSigns,
  host,
  op,
  refusal,
  removeDirectory,
  residentKey,
  sealedKey,
  specOf,
  spied,
  temporaryDirectory,
} from './support.ts'

const first = ['warder/export-kek/1', 'warder/import-kek/1', 'warder/kek/1', 'warder/store/1']
const second = ['warder/export-kek/2', 'warder/import-kek/2', 'warder/kek/2']
const stateOf = (provider: KeyProvider) => provider.token?.(op)
const rootKeyOf = (ref: unknown) => (ref as SealedRef).rootKey

describe('a provider of one of several tokens', function () {
  this.timeout(60_000)
  let directory: string
  let tokens: Tokens
  let configs: Tokens['configs']

  beforeEach(async () => {
    directory = await temporaryDirectory()
    tokens = await sharedTokens(directory)
    configs = tokens.configs
  })
  afterEach(() => removeDirectory(directory))

  /** A third token beside them, which has not taken part yet. */
  const withThird = async (): Promise<readonly [Config, Config, Config]> => {
    const [one, two] = configs
    const third: Config = { ...one, token: { label: 'three' } }
    await plugin.provision?.(one, tokens.files, op, [two, third])
    return [one, two, third]
  }

  it('says which token it has, and which root keys', async () => {
    for (const index of [0, 1]) {
      await withOne(configs, index, async provider => {
        const { serial } = (await provider.capabilities(op)).token
        expect(await stateOf(provider)).to.deep.equal({ serial, rootKeys: [1] })
      })
    }
  })

  it('names its token in a resident key, and refuses one of another token', async () => {
    const key = await withOne(configs, 0, async provider => {
      const made = await residentKey(provider)
      expect(made.ref.token).to.equal((await stateOf(provider))?.serial)
      await expectSigns(provider, made)
      return made
    })
    await withOne(configs, 1, async provider => {
      for (const call of [
        provider.sign(key.ref, 'ES256', randomBytes(32), op),
        provider.locate(key.ref, op),
        provider.destroy(key.ref, op),
      ]) {
        const error = await refusal(call)
        expect([error.code, error.facts['reason']]).to.deep.equal(['hsm-key-missing', 'on another token'])
      }
    })
    // a record of the time when there was one token says nothing of it
    const { token: _, ...old } = key.ref
    await withOne(configs, 0, provider => expectSigns(provider, { ...key, ref: old }))
  })

  it('makes the next root key on all tokens, whichever it has', async () => {
    const old = await withOne(configs, 0, sealedKey)
    const moved = await withOne(configs, 1, async provider => {
      expect(await provider.createRootKey(op)).to.equal(2)
      expect((await stateOf(provider))?.rootKeys).to.deep.equal([1, 2])
      return { ...old, ref: await provider.rewrap(old.ref as SealedRef, op) }
    })
    expect(rootKeyOf(moved.ref)).to.equal(2)
    await withOne(configs, 0, async provider => {
      expect(await provider.newestRootKey(op)).to.equal(2)
      for (const key of [old, moved]) await expectSigns(provider, key)
      expect(rootKeyOf((await sealedKey(provider)).ref)).to.equal(2)
      expect(await provider.createRootKey(op)).to.equal(3)
    })
    for (const config of configs) expect(await extractableOn(config)).to.deep.equal([])
    expect(await labelsOn(configs[0])).to.deep.equal(await labelsOn(configs[1]))
  })

  it('opens before its token has any root key, refuses what needs one, and takes part from the next one on', async () => {
    const all = await withThird()
    const old = await withOne(all, 0, sealedKey)
    expect((await refusal(plugin.open(all[2], host, op))).code, 'alone').to.equal('not-initialised')
    const found = (await plugin.selfTest?.(all[2], op, [all[0], all[1]])) ?? []
    expect(found.filter(({ check }) => check === 'root keys')).to.deep.equal([
      {
        check: 'root keys',
        status: 'warning',
        found: 'it has no root key yet, and takes part from the next one on',
        why: 'it serves no sealed key before that',
        fix: 'warder root-key rotate',
      },
    ])
    expect(found.filter(({ status }) => status === 'problem')).to.deep.equal([])
    await withOne(all, 2, async provider => {
      expect((await stateOf(provider))?.rootKeys).to.deep.equal([])
      expect((await provider.health(op)).ok).to.equal(true)
      expect((await provider.capabilities(op)).generate.sealed).to.include('P-256')
      for (const call of [
        () => provider.newestRootKey(op),
        () => provider.generate(specOf(), op),
        () => provider.sign(old.ref, 'ES256', randomBytes(32), op),
        () => provider.rewrap(old.ref as SealedRef, op),
      ]) {
        expect((await refusal(call())).code).to.equal('not-initialised')
      }
      const secret = randomBytes(32)
      expect(await provider.openStoreSecret(await provider.sealStoreSecret(secret, op), op)).to.deep.equal(
        new Uint8Array(secret),
      )
      await expectSigns(provider, await residentKey(provider))
      expect(await provider.createRootKey(op)).to.equal(2)
      expect((await stateOf(provider))?.rootKeys).to.deep.equal([2])
      const error = await refusal(provider.sign(old.ref, 'ES256', randomBytes(32), op))
      expect(error.facts).to.deep.equal({ reason: 'sealed-key-rejected' })
      await expectSigns(provider, await sealedKey(provider))
    })
    const moved = await withOne(all, 0, provider => provider.rewrap(old.ref as SealedRef, op))
    await withOne(all, 2, provider => expectSigns(provider, { ...old, ref: moved }))
    for (const config of configs) expect(await labelsOn(config)).to.deep.equal([...first, ...second].toSorted())
    expect((await labelsOn(all[2])).filter(label => label.startsWith('warder/'))).to.deep.equal([
      ...second,
      'warder/store/1',
    ])
  })

  it('does not take a token that has lost a root key for one that has had none', async () => {
    await destroyOn(configs[1], 'warder/kek/1')
    const error = await refusal(openOne(configs, 1))
    expect([error.code, error.facts]).to.deep.equal(['not-initialised', { key: 'warder/kek/1', reason: 'missing' }])
  })

  it('lesson: a PIN that a peer refused is presented once, and no root key is made', async () => {
    const wrong = join(directory, 'wrong-pin')
    await writeFile(wrong, '000000\n', { mode: 0o600 })
    const [one, two] = configs
    const provider = await openOne([one, { ...two, pin: { file: wrong } }], 0)
    try {
      const refused = await refusal(provider.createRootKey(op))
      expect([refused.code, refused.facts['ckr'], refused.facts['token']]).to.deep.equal([
        'pin-refused',
        'CKR_PIN_INCORRECT',
        'two',
      ])
      const again = await refusal(provider.createRootKey(op))
      expect([again.code, again.facts['ckr'], again.facts['since']]).to.satisfy(
        ([code, ckr, since]: unknown[]) => code === 'pin-refused' && ckr === undefined && typeof since === 'string',
      )
      // it goes on with its own token
      await expectSigns(provider, await sealedKey(provider))
    } finally {
      await provider[Symbol.asyncDispose]()
    }
    for (const config of configs) expect(await labelsOn(config)).to.deep.equal(first)
  })

  it('lesson: a wrong PIN of a peer reaches it once, when root keys are made in the moment in which a host of the peer starts', async () => {
    const wrong = join(directory, 'wrong-pin')
    await writeFile(wrong, '000000\n', { mode: 0o600 })
    const spy = spied(configs[0], directory)
    const { module, environment } = spy.config
    const peer: Config = { ...configs[1], module, environment, pin: { file: wrong } }
    const codes = await atOnce([
      { act: 'rotate', configs: [spy.config, peer] },
      { act: 'rotate', configs: [spy.config, peer] },
      { act: 'open', configs: [peer, spy.config] },
    ])
    expect(codes).to.deep.equal(['pin-refused', 'pin-refused', 'pin-refused'])
    // two of them with the right PIN of the token that the root keys were to be made with
    expect(await spy.calls('C_Login')).to.equal(3)
    for (const config of configs) expect(await labelsOn(config)).to.deep.equal(first)
  })

  it('shares root keys with a token of another maker, in one process with its module', async () => {
    const nss = await createEmptyNssToken()
    try {
      const both = [configs[0], nss.config] as const
      const done = await plugin.provision?.(configs[0], tokens.files, op, [nss.config])
      expect(done?.[0]).to.match(/^made the store key/)
      for (const [index, number] of [2, 3].entries()) {
        const key = await withOne(both, index, async provider => {
          expect(await provider.createRootKey(op)).to.equal(number)
          return sealedKey(provider)
        })
        expect(rootKeyOf(key.ref)).to.equal(number)
        for (const any of [0, 1]) await withOne(both, any, provider => expectSigns(provider, key))
      }
    } finally {
      await nss.remove()
    }
  })
})
