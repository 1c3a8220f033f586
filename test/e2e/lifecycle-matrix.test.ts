import { expect } from 'chai'
import type { KeyView } from '@warder/core'
import {
  allows,
  type KeyEvent,
  type KeyState,
  keyStates,
  nextKeyState,
  nextVersionState,
  type OperationKind,
  type VersionEvent,
  type VersionState,
  versionStates,
} from '../../core/src/keys/lifecycle.ts'
import type { Reply } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { type EngineAppliance, startEngineAppliance } from './support/engine-appliance.ts'
import { everyOperation, families, type Family, type Made } from './support/families.ts'
import { inLanes } from './support/in-lanes.ts'
import { etagOf, KeysOfSpace } from './support/keys-of-space.ts'

/** The states a version can be brought to while its key lives: nothing makes a pre-active one yet. */
const living = ['active', 'deactivated', 'suspended', 'compromised'] as const
type Living = (typeof living)[number]

/** Which version of a {@link prepare}d key is in which state. */
const versionIn: Readonly<Record<Living, number>> = { deactivated: 1, suspended: 2, compromised: 3, active: 4 }

/** How a key is brought from `enabled` to each state; the rest of the way to `destroyed` is time. */
const acts: Readonly<Record<KeyState, readonly (readonly [action: string, body?: object])[]>> = {
  enabled: [],
  disabled: [['disable']],
  'pending-destruction': [['destroy', { windowDays: 30 }]],
  destroyed: [['destroy', { windowDays: 7 }]],
}

describe('the table of states, over HTTPS', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let keys: KeysOfSpace

  before(async () => {
    appliance = await startEngineAppliance()
    keys = new KeysOfSpace(appliance.admin)
  })
  after(() => appliance[Symbol.asyncDispose]())

  const use = async (name: string, { usages }: Family, version: number): Promise<Made> => {
    const made: Record<string, string> = {}
    for (const { action, body } of usages) Object.assign(made, await keys.act<Made>(name, action, body(version, made)))
    return made
  }

  /** A key with one version in each state of {@link versionIn}, and what each made while it was active. */
  async function prepare(name: string, family: Family): Promise<readonly Made[]> {
    const { algorithm, usage, exportable = false } = family
    await keys.create({ name, algorithm, usage, exportable })
    const made = [{}, await use(name, family, 1)]
    for (let version = 2; version <= 4; version++) {
      await keys.act(name, 'rotate')
      made.push(await use(name, family, version))
    }
    await keys.act(name, 'suspend', { version: versionIn.suspended })
    await keys.act(name, 'revoke', { version: versionIn.compromised, reason: 'keyCompromise' })
    return made
  }

  async function bringTo(name: string, state: KeyState): Promise<void> {
    for (const [action, body] of acts[state]) await keys.act(name, action, body)
  }

  it('is this one', () => {
    const table = Object.fromEntries(
      versionStates.map(version => [
        version,
        (['protect', 'process'] as const).filter(kind => allows('enabled', version, kind)),
      ]),
    )
    expect(table).to.deep.equal({
      'pre-active': [],
      active: ['protect', 'process'],
      deactivated: ['process'],
      suspended: [],
      compromised: ['process'],
      destroyed: [],
    })
    for (const state of keyStates.filter(each => each !== 'enabled'))
      for (const version of versionStates)
        for (const kind of ['protect', 'process'] as const) expect(allows(state, version, kind)).to.equal(false)
  })

  describe('uses', () => {
    const prepared = new Map<string, readonly Made[]>()
    const nameOf = ({ name }: Family, state: KeyState): string => `use-${name}-${state}`

    before(async () => {
      const all = families.flatMap(family => keyStates.map(state => ({ family, state })))
      await inLanes(8, all, async ({ family, state }) => {
        const name = nameOf(family, state)
        prepared.set(name, await prepare(name, family))
        await bringTo(name, state)
      })
      await appliance.passDays(8)
    })

    for (const state of keyStates)
      for (const family of families)
        it(`of a ${family.name} key that is ${state}: each operation on each version`, async () => {
          const name = nameOf(family, state)
          expect((await keys.get(name)).state).to.equal(state)
          for (const was of living) {
            const version = versionIn[was]
            const versionState = state === 'destroyed' ? 'destroyed' : was
            expect((await keys.get(name)).versions[version - 1]).to.include({ number: version, state: versionState })
            for (const { action, kind, body } of family.usages) {
              const reply = await keys.sendAct(name, action, body(version, prepared.get(name)?.[version] ?? {}))
              expectUse(reply, { state, version, versionState, kind, isExport: action === 'export' })
            }
          }
        })

    for (const state of keyStates)
      it(`of a key that is ${state} for anything it was not made for: refused, whatever its state`, async () => {
        for (const family of families)
          for (const { action, usage, body } of everyOperation.filter(each => each.usage !== family.usage)) {
            const reply = await keys.sendAct(nameOf(family, state), action, body)
            expectProblem(reply, 422, 'usage-not-allowed')
            expect(reply.body, `${usage} with ${family.usage}`).to.include({ usage: family.usage })
          }
      })

    for (const state of keyStates)
      it(`none: a key that is ${state} can be described, listed, and its public half exported`, async () => {
        for (const family of families) {
          const name = nameOf(family, state)
          const path = `${keys.path}/${name}`
          expect(await keys.names(`?state=${state}&prefix=${name}`)).to.deep.equal([name])
          const isPair = /^(?:P-|RSA)/.test(family.algorithm)
          for (const version of Object.values(versionIn)) {
            const detail = await appliance.admin.get<object>(`${path}/versions/${version}`)
            expect(detail).to.have.any.keys(isPair ? 'spki' : 'checkValue')
            const reply = await appliance.admin.send({ path: `${path}/publicKey?version=${version}` })
            if (isPair) expect(reply.status).to.equal(200)
            else expectProblem(reply, 422, 'usage-not-allowed')
          }
        }
      })

    function expectUse(
      reply: Reply<unknown>,
      expected: {
        state: KeyState
        version: number
        versionState: VersionState
        kind: OperationKind
        isExport: boolean
      },
    ): void {
      const { state, version, versionState, kind, isExport } = expected
      if (!allows(state, versionState, kind)) {
        expectProblem(reply, 409, 'wrong-state')
        expect(reply.body).to.include({ state, version, versionState, retryable: false })
        return
      }
      expect(reply.status, reply.text).to.equal(200)
      expect(reply.body).to.include({ version })
      const marked = (reply.body as { compromised?: true }).compromised
      expect(marked).to.equal(versionState === 'compromised' && !isExport ? true : undefined)
    }
  })

  describe('acts', () => {
    const family = families.find(({ name }) => name === 'mac') as Family
    /** The event each act is to one version, in the table. */
    const versionActs = { rollback: 'promote', suspend: 'suspend', resume: 'resume', revoke: 'revoke' } as const
    type VersionAct = keyof typeof versionActs
    const keyActs: Readonly<Record<string, KeyEvent>> = {
      enable: 'enable',
      disable: 'disable',
      destroy: 'schedule-destruction',
      restore: 'restore',
    }
    const combinations = keyStates.flatMap(state => [
      ...[...Object.keys(keyActs), 'rotate', 'edit'].map(act => ({ state, act, was: undefined })),
      ...Object.keys(versionActs).flatMap(act => living.map(was => ({ state, act, was }))),
    ])
    const nameOf = ({ state, act, was }: (typeof combinations)[number]): string => `act-${act}-${state}-${was ?? 'key'}`

    before(async () => {
      await inLanes(8, combinations, async combination => {
        await prepare(nameOf(combination), { ...family, usages: [] })
        await bringTo(nameOf(combination), combination.state)
      })
      await appliance.passDays(8)
    })

    const send = (name: string, act: string, was: Living | undefined): Promise<Reply<unknown>> => {
      const headers = { 'if-match': '*' }
      if (act === 'edit') return keys.send({ method: 'PATCH', path: `/${name}`, body: { description: 'x' }, headers })
      const body = was && { version: versionIn[was], ...(act === 'revoke' && { reason: 'superseded' }) }
      return keys.sendAct(name, act, body, headers)
    }

    for (const combination of combinations) {
      const { state, act, was } = combination
      const name = nameOf(combination)

      it(`${act} of ${was === undefined ? 'a key' : `a ${was} version of a key`} that is ${state}`, async () => {
        const before = await keys.get(name)
        const reply = await send(name, act, was)
        const after = await keys.get(name)
        if (!isPossible()) {
          expectProblem(reply, 409, 'wrong-state')
          expect(after).to.deep.equal(before)
          return
        }
        expect(reply.status, reply.text).to.equal(200)
        expect(reply.body).to.deep.equal(after)
        expect(reply.headers['etag']).to.equal(etagOf(after))
        expect(after.generation).to.equal(before.generation + 1)
        expect(after.versions.map(({ number }) => number)).to.deep.equal(
          act === 'rotate' ? [1, 2, 3, 4, 5] : [1, 2, 3, 4],
        )
        if (act in keyActs) expect(after.state).to.equal(nextKeyState(state, keyActs[act] as KeyEvent))
        if (was !== undefined) {
          const event = versionActs[act as VersionAct]
          expect(after.versions[versionIn[was] - 1]?.state).to.equal(nextVersionState(was, event, 'deactivated'))
        }
        if (act === 'rotate') expect(statesOf(after)).to.deep.equal([...others, 'deactivated', 'active'])
        if (act === 'rollback')
          expect(statesOf(after)).to.deep.equal(['active', 'suspended', 'compromised', 'deactivated'])
        expect(after.primary).to.equal({ rotate: 5, rollback: 1 }[act] ?? 4)
      })

      function isPossible(): boolean {
        if (act in keyActs) return nextKeyState(state, keyActs[act] as KeyEvent) !== undefined
        if (act === 'edit') return state !== 'destroyed'
        if (act === 'rotate') return state === 'enabled'
        const event: VersionEvent = versionActs[act as VersionAct]
        const version = nextVersionState(was as Living, event, 'deactivated') !== undefined
        return version && (act === 'rollback' ? state === 'enabled' : state !== 'destroyed')
      }
    }

    const others = ['deactivated', 'suspended', 'compromised'] as const
    const statesOf = ({ versions }: KeyView): string[] => versions.map(({ state }) => state)
  })

  describe('a suspended version', () => {
    it('goes on as what it was: the primary one protects again', async () => {
      await keys.create({ name: 'resumed', algorithm: 'HMAC-SHA-256' })
      await keys.act('resumed', 'suspend', { version: 1 })
      expectProblem(await keys.sendAct('resumed', 'mac', { input: '' }), 409, 'wrong-state')
      const { versions } = await keys.act('resumed', 'resume', { version: 1 })
      expect(versions[0]).to.include({ state: 'active', deactivatedAt: null })
      await keys.act('resumed', 'mac', { input: '' })
    })

    it('that another replaced while it was suspended comes back deactivated', async () => {
      await keys.create({ name: 'replaced', algorithm: 'HMAC-SHA-256' })
      await keys.act('replaced', 'suspend', { version: 1 })
      await keys.act('replaced', 'rotate')
      const { versions, primary } = await keys.act('replaced', 'resume', { version: 1 })
      expect(primary).to.equal(2)
      expect(versions.map(({ state }) => state)).to.deep.equal(['deactivated', 'active'])
      expect(versions[0]?.deactivatedAt).to.be.a('string')
    })
  })

  describe('a revocation', () => {
    it('names its reason and its date in every description, and marks what its version opens', async () => {
      const name = 'revoked'
      await keys.create({ name, algorithm: 'AES-256' })
      const { ciphertext } = await keys.act<Made>(name, 'encrypt', { plaintext: 'AAAA' })
      await keys.act(name, 'rotate')
      const at = '2025-12-31T23:00:00Z'
      const revoked = await keys.act(name, 'revoke', { version: 1, reason: 'cessationOfOperation', date: at })
      const revocation = { reason: 'cessationOfOperation', at }
      expect(revoked.versions.map(version => version.revocation)).to.deep.equal([revocation, null])
      const detail = await appliance.admin.get<{ revocation: unknown }>(`${keys.path}/${name}/versions/1`)
      expect(detail.revocation).to.deep.equal(revocation)
      expect(await keys.act(name, 'decrypt', { ciphertext })).to.deep.equal({
        plaintext: 'AAAA',
        version: 1,
        compromised: true,
      })
    })

    it('of no version in particular is of all that can be revoked, as of now', async () => {
      await keys.create({ name: 'all-revoked', algorithm: 'HMAC-SHA-256' })
      await keys.act('all-revoked', 'rotate')
      const begin = Date.now()
      const { versions } = await keys.act('all-revoked', 'revoke', { reason: 'privilegeWithdrawn' })
      expect(versions.map(({ state }) => state)).to.deep.equal(['compromised', 'compromised'])
      for (const { revocation } of versions) expect(Date.parse(revocation?.at ?? '')).to.be.at.least(begin)
      expectProblem(await keys.sendAct('all-revoked', 'mac', { input: '' }), 409, 'wrong-state')
      expectProblem(await keys.sendAct('all-revoked', 'revoke', { reason: 'superseded' }), 409, 'wrong-state')
    })

    it('of the primary one is healed by a rotation', async () => {
      await keys.create({ name: 'healed', algorithm: 'HMAC-SHA-256' })
      await keys.act('healed', 'revoke', { reason: 'keyCompromise' })
      const { versions } = await keys.act('healed', 'rotate')
      expect(versions.map(({ state }) => state)).to.deep.equal(['compromised', 'active'])
      expect(await keys.act('healed', 'mac', { input: '' })).to.include({ version: 2 })
    })
  })

  it('minimum versions refuse what is below them, each its own kind, and rollback to one of them', async () => {
    const name = 'minimum'
    await keys.create({ name, algorithm: 'AES-256' })
    const old = await keys.act<Made>(name, 'encrypt', { plaintext: 'AAAA' })
    await keys.act(name, 'rotate')
    const newer = await keys.act<Made>(name, 'encrypt', { plaintext: 'AAAA' })
    expect(await keys.edit(name, { minDecryptVersion: 2 })).to.include({ minDecryptVersion: 2, minEncryptVersion: 1 })
    const refused = await keys.sendAct(name, 'decrypt', { ciphertext: old['ciphertext'] })
    expectProblem(refused, 409, 'version-below-minimum')
    expect(refused.body).to.include({ version: 1, minimum: 2 })
    await keys.act(name, 'decrypt', { ciphertext: newer['ciphertext'] })
    expectProblem(await keys.sendAct(name, 'rollback', { version: 1 }), 409, 'version-below-minimum')

    await keys.edit(name, { minDecryptVersion: 1 })
    await keys.act(name, 'decrypt', { ciphertext: old['ciphertext'] })
    await keys.act(name, 'rollback', { version: 1 })
    for (const field of ['minDecryptVersion', 'minEncryptVersion']) {
      const above = { method: 'PATCH', path: `/${name}`, body: { [field]: 2 }, headers: { 'if-match': '*' } } as const
      expectProblem(await keys.send(above), 400, 'malformed-request')
    }
  })

  it('a destruction waits its window out, and a restored key comes back disabled and whole', async () => {
    const name = 'restored'
    await keys.create({ name, algorithm: 'AES-256' })
    const { ciphertext } = await keys.act<Made>(name, 'encrypt', { plaintext: 'AAAA' })
    const pending = await keys.act(name, 'destroy')
    const window =
      Date.parse(pending.destroyAt ?? '') -
      Date.parse((await appliance.admin.get<KeyView>(`${keys.path}/${name}`)).createdAt)
    expect(window / 86_400_000).to.be.within(29.9, 30.1)
    await appliance.passDays(29)
    expect(await keys.get(name)).to.deep.equal(pending)
    expect(await keys.act(name, 'restore')).to.include({ state: 'disabled', destroyAt: null })
    await appliance.passDays(2)
    await keys.act(name, 'enable')
    expect(await keys.act(name, 'decrypt', { ciphertext })).to.include({ plaintext: 'AAAA' })

    await keys.act(name, 'destroy', { windowDays: 7 })
    appliance.sleepDays(7)
    // maintenance may have begun with it, and been interrupted
    expectProblem(await keys.sendAct(name, 'restore'), 409, 'wrong-state')
    await appliance.passDays(0)
    const destroyed = await keys.get(name)
    expect(destroyed).to.include({ state: 'destroyed' })
    expect(destroyed.versions.map(({ state }) => state)).to.deep.equal(['destroyed'])
    const again = await keys.send({ method: 'POST', body: { name, algorithm: 'AES-256' } })
    expectProblem(again, 409, 'key-exists')
  })

  describe('an ETag', () => {
    const name = 'tagged'
    const guarded = [
      ['rotate', undefined],
      ['rollback', { version: 1 }],
      ['destroy', undefined],
      ['restore', undefined],
    ] as const

    before(() => keys.create({ name, algorithm: 'HMAC-SHA-256' }))

    it('is the same wherever the key is answered, and another after each change', async () => {
      const seen = new Set<string>()
      for (const act of ['rotate', 'disable', 'enable'] as const) {
        const { headers, body } = await keys.sendAct<KeyView>(name, act)
        const read = await keys.send<KeyView>({ path: `/${name}` })
        expect(headers['etag']).to.equal(etagOf(body)).and.to.equal(read.headers['etag'])
        seen.add(String(headers['etag']))
      }
      expect(seen.size).to.equal(3)
    })

    it('is asked for by what cannot be done unseen: 428', async () => {
      for (const [act, body] of guarded)
        expectProblem(await keys.sendAct(name, act, body, {}), 428, 'precondition-required')
      expectProblem(
        await keys.send({ method: 'PATCH', path: `/${name}`, body: { description: '' } }),
        428,
        'precondition-required',
      )
    })

    it('of an earlier state, or of another key, changes nothing: 412', async () => {
      const before = await keys.get(name)
      const other = await keys.create({ name: 'other', algorithm: 'HMAC-SHA-256' })
      const stale = [
        etagOf({ ...before, generation: before.generation - 1 }),
        etagOf({ ...other, generation: before.generation }),
      ]
      for (const etag of stale)
        for (const [act, body] of [...guarded, ['disable', undefined], ['suspend', { version: 1 }]] as const) {
          expectProblem(await keys.sendAct(name, act, body, { 'if-match': etag }), 412, 'precondition-failed')
        }
      expect(await keys.get(name)).to.deep.equal(before)
    })

    it('that still fits lets a change through, once', async () => {
      const headers = { 'if-match': etagOf(await keys.get(name)) }
      await keys.act(name, 'rotate', undefined, headers)
      expectProblem(await keys.sendAct(name, 'rotate', undefined, headers), 412, 'precondition-failed')
    })

    it('that is weak, foreign or one of many is 400', async () => {
      const etag = etagOf(await keys.get(name))
      for (const given of [`W/${etag}`, '"x"', `${etag}, "x"`, 'x', etag.slice(1, -1)])
        expectProblem(await keys.sendAct(name, 'rotate', undefined, { 'if-match': given }), 400, 'malformed-request')
    })

    it('spares reading the same again: 304 without a body, until the key is changed', async () => {
      const ask = (): Promise<Reply<unknown>> => keys.send({ path: `/${name}`, headers: { 'if-none-match': etag } })
      const etag = etagOf(await keys.get(name))
      const same = await ask()
      expect({ status: same.status, text: same.text, etag: same.headers['etag'] }).to.deep.equal({
        status: 304,
        text: '',
        etag,
      })
      await keys.act(name, 'disable')
      expect((await ask()).status).to.equal(200)
    })
  })
})
