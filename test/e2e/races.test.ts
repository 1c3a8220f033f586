import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { KeyView, ListPage } from '@warder/core'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { ProblemBody, Reply } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { importBody } from './support/bring-key.ts'
import { inLanes } from './support/in-lanes.ts'
import { etagOf, KeysOfSpace } from './support/keys-of-space.ts'

const racers = 64
const algorithm = 'AES-256'

/** How often each answer came: its status, and its code where it is a problem. */
function tally(replies: readonly Reply<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of replies) {
    const answer = [status, (body as Partial<ProblemBody>).code ?? 'done'].join(' ')
    counts[answer] = (counts[answer] ?? 0) + 1
  }
  return counts
}

const together = <Result>(act: (racer: number) => Promise<Result>, count = racers): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, racer) => act(racer)))

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

describe(`${racers} callers at once`, function () {
  this.timeout(60_000)
  let appliance: Appliance
  let keys: KeysOfSpace

  before(async () => {
    appliance = await startAppliance()
    keys = new KeysOfSpace(appliance.admin)
  })
  after(() => appliance[Symbol.asyncDispose]())

  const numbersOf = ({ versions }: KeyView): number[] => versions.map(({ number }) => number)

  for (const custody of ['sealed', 'resident'])
    it(`who create one name (${custody}): one does, and it is the one that stays`, async () => {
      const name = `one-name-${custody}`
      const body = { name, algorithm, custody }
      const replies = await together(() => keys.send<KeyView>({ method: 'POST', body }))
      expect(tally(replies)).to.deep.equal({ '201 done': 1, '409 key-exists': racers - 1 })
      expect(await keys.get(name)).to.deep.equal(replies.find(({ status }) => status === 201)?.body)
      expect(await keys.names(`?prefix=${name}`)).to.deep.equal([name])
    })

  it('who rotate what they all saw: one does', async () => {
    const { name, ...key } = await keys.create({ name: 'rotated-once', algorithm })
    const headers = { 'if-match': etagOf(key) }
    const replies = await together(() => keys.sendAct(name, 'rotate', undefined, headers))
    expect(tally(replies)).to.deep.equal({ '200 done': 1, '412 precondition-failed': racers - 1 })
    expect(numbersOf(await keys.get(name))).to.deep.equal([1, 2])
  })

  it('who rotate whatever there is: each does, and versions have no gap and no duplicate', async () => {
    const { name } = await keys.create({ name: 'rotated-often', algorithm })
    const rotated = await together(() => keys.act(name, 'rotate'))
    const key = await keys.get(name)
    expect(numbersOf(key)).to.deep.equal(upTo(racers + 1))
    expect(rotated.map(({ primary }) => primary).toSorted((a, b) => a - b)).to.deep.equal(upTo(racers + 1).slice(1))
    expect(key).to.include({ primary: racers + 1, generation: racers + 1 })
    expect(key.versions.filter(({ state }) => state === 'active').map(({ number }) => number)).to.deep.equal([
      racers + 1,
    ])
    const values = await inLanes(8, numbersOf(key), number =>
      appliance.admin.get<{ checkValue: string }>(`${keys.path}/${name}/versions/${number}`),
    )
    expect(new Set(values.map(({ checkValue }) => checkValue)).size).to.equal(racers + 1)
  })

  it('who roll back what they all saw: one does', async () => {
    const { name } = await keys.create({ name: 'back-once', algorithm })
    await keys.act(name, 'rotate')
    const headers = { 'if-match': etagOf(await keys.act(name, 'rotate')) }
    const replies = await together(racer =>
      keys.sendAct<KeyView>(name, 'rollback', { version: 1 + (racer % 2) }, headers),
    )
    expect(tally(replies)).to.deep.equal({ '200 done': 1, '412 precondition-failed': racers - 1 })
    const key = await keys.get(name)
    expect(key).to.deep.equal(replies.find(({ status }) => status === 200)?.body)
    expect(key).to.include({ generation: 4 })
  })

  it('who roll back whatever there is: one version is active after each, and each change is counted once', async () => {
    const { name } = await keys.create({ name: 'back-often', algorithm })
    for (let rotations = 0; rotations < 4; rotations++) await keys.act(name, 'rotate')
    const replies = await together(racer => keys.sendAct<KeyView>(name, 'rollback', { version: 1 + (racer % 5) }))
    const done = replies.filter(({ status }) => status === 200).map(({ body }) => body)
    for (const reply of replies.filter(({ status }) => status !== 200)) expectProblem(reply, 409, 'wrong-state')
    expect(done.length).to.be.above(1)
    for (const { primary, versions } of done)
      expect(versions.filter(({ state }) => state === 'active').map(({ number }) => number)).to.deep.equal([primary])
    expect(done.map(({ generation }) => generation).toSorted((a, b) => a - b)).to.deep.equal(
      upTo(5 + done.length).slice(5),
    )
    expect(numbersOf(await keys.get(name))).to.deep.equal([1, 2, 3, 4, 5])
  })

  it('who encrypt while a key rotates: each is served by a version that was primary, and all of it opens', async () => {
    const { name } = await keys.create({ name: 'busy', algorithm })
    let rotating = true
    const made: { plaintext: string; ciphertext: string; version: number; least: number; most: number }[] = []
    let primary = 1
    const rotate = async (): Promise<void> => {
      for (let rotations = 0; rotations < 20; rotations++) ({ primary } = await keys.act(name, 'rotate'))
      rotating = false
    }
    const encrypt = async (): Promise<void> => {
      while (rotating) {
        const plaintext = randomBytes(24).toString('base64')
        const least = primary
        const answer = await keys.act<{ ciphertext: string; version: number }>(name, 'encrypt', { plaintext })
        // the next one may have been primary before its rotation was answered
        made.push({ ...answer, plaintext, least, most: primary + 1 })
      }
    }
    await Promise.all([rotate(), ...Array.from({ length: 16 }, encrypt)])
    for (const { version, least, most } of made) expect(version).to.be.within(least, most)
    expect(new Set(made.map(({ version }) => version)).size).to.be.above(2)
    await inLanes(16, made, async ({ plaintext, ciphertext, version }) =>
      expect(await keys.act(name, 'decrypt', { ciphertext })).to.deep.equal({ plaintext, version }),
    )
  })

  it('who look at a key while it rotates: each sees one state of it, whole', async () => {
    const { name } = await keys.create({ name: 'watched', algorithm })
    let rotating = true
    const views: KeyView[] = []
    const rotate = async (): Promise<void> => {
      for (let rotations = 0; rotations < 20; rotations++) await keys.act(name, 'rotate')
      rotating = false
    }
    const look = async (query: string): Promise<void> => {
      while (rotating) {
        const { items } = await appliance.admin.get<ListPage<KeyView>>(`${keys.path}?prefix=${name}${query}`)
        views.push(...items, await keys.get(name))
        await appliance.admin.get(`${keys.path}/${name}/versions/${views.at(-1)?.primary}`)
      }
    }
    await Promise.all([rotate(), look(''), look('&state=enabled'), look('&limit=1'), look('&custody=sealed')])
    for (const { primary, generation, versions } of views)
      expect({ primary, versions: versions.length }).to.deep.equal({ primary: generation, versions: generation })
    expect(new Set(views.map(({ generation }) => generation)).size).to.be.above(2)
  })

  describe('with one idempotency key', () => {
    it('who create: one does, the others hear of it or that it is under way', async () => {
      const headers = { 'idempotency-key': randomUUID() }
      const body = { name: 'idempotent', algorithm }
      const replies = await together(() => keys.send<KeyView>({ method: 'POST', body, headers }))
      const { '201 done': done = 0, '409 idempotency-in-flight': waiting = 0, ...rest } = tally(replies)
      expect(rest).to.deep.equal({})
      expect(done)
        .to.equal(racers - waiting)
        .and.to.be.at.least(1)
      expect(replies.filter(({ status, headers: of }) => status === 201 && !of['idempotency-replayed'])).to.have.length(
        1,
      )
      const again = await keys.send<KeyView>({ method: 'POST', body, headers })
      expect(again.headers).to.include({ 'idempotency-replayed': 'true', location: `${keys.path}/idempotent` })
      expect(again.body).to.deep.equal(await keys.get('idempotent'))
    })

    it('who rotate: one does, and whoever repeats it gets its answer', async () => {
      const { name } = await keys.create({ name: 'rotated-idempotently', algorithm })
      const headers = { 'idempotency-key': randomUUID(), 'if-match': '*' }
      await together(() => keys.sendAct(name, 'rotate', undefined, headers))
      const replies = await together(() => keys.sendAct<KeyView>(name, 'rotate', undefined, headers), 8)
      for (const { status, headers: of, body } of replies) {
        // repeats of an answer wait for one another too
        if (status === 409) expect((body as unknown as ProblemBody).code).to.equal('idempotency-in-flight')
        else
          expect({ status, replayed: of['idempotency-replayed'], primary: body.primary }).to.deep.equal({
            status: 200,
            replayed: 'true',
            primary: 2,
          })
      }
      expect(numbersOf(await keys.get(name))).to.deep.equal([1, 2])
    })

    it('who ask for different things: one is served, and nobody gets the answer of another', async () => {
      const headers = { 'idempotency-key': randomUUID() }
      const replies = await together(racer =>
        keys.send<KeyView>({ method: 'POST', body: { name: `different-${racer}`, algorithm }, headers }),
      )
      const counts = tally(replies)
      expect(counts['201 done']).to.equal(1)
      expect((counts['409 idempotency-in-flight'] ?? 0) + (counts['422 idempotency-conflict'] ?? 0)).to.equal(
        racers - 1,
      )
      expect(await keys.names('?prefix=different-')).to.have.length(1)
    })
  })

  describe('with one import key', () => {
    const space = 'importing'
    const importing = (): KeysOfSpace => new KeysOfSpace(appliance.admin, space)
    const bring = (name: string): Promise<object> =>
      importBody(appliance.admin, { space, name, algorithm, material: randomBytes(32) })

    before(() => appliance.admin.post('/v1/spaces', { name: space }))

    it('who ask for it: all get the same', async () => {
      const views = await together(() => appliance.admin.get<{ id: string }>(`/v1/spaces/${space}/importKey`))
      expect(new Set(views.map(({ id }) => id)).size).to.equal(1)
    })

    it('who import: one does, and the key is used up', async () => {
      const bodies = await together(racer => bring(`brought-${racer}`), 16)
      const replies = await Promise.all(
        bodies.map(body => importing().send<KeyView>({ method: 'POST', path: ':import', body })),
      )
      expect(tally(replies)).to.deep.equal({ '201 done': 1, '404 import-key-not-found': 15 })
      const names = replies.flatMap(({ status, body }) => (status === 201 ? [body.name] : []))
      expect(await importing().names()).to.deep.equal(names)
    })

    it('one bad attempt uses it up too', async () => {
      const good = await bring('late')
      const bad = { ...good, wrapped: randomBytes(512 + 40).toString('base64') }
      expectProblem(await importing().send({ method: 'POST', path: ':import', body: bad }), 422, 'decryption-failed')
      expectProblem(
        await importing().send({ method: 'POST', path: ':import', body: good }),
        404,
        'import-key-not-found',
      )
    })
  })

  it('who export: only what was made exportable, and nothing makes it so', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const recipient = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    for (const [name, exportable, custody] of [
      ['out', true, 'sealed'],
      ['in', false, 'sealed'],
      ['on-token', false, 'resident'],
    ] as const) {
      await keys.create({ name, algorithm, exportable, custody })
      const replies = await together(() => keys.sendAct(name, 'export', { recipient }), 16)
      expect(tally(replies)).to.deep.equal(exportable ? { '200 done': 16 } : { '409 not-exportable': 16 })
    }
    const resident = { name: 'never', algorithm, exportable: true, custody: 'resident' }
    expectProblem(await keys.send({ method: 'POST', body: resident }), 409, 'not-exportable')
    const edit = { method: 'PATCH', path: '/in', body: { exportable: true }, headers: { 'if-match': '*' } } as const
    expectProblem(await keys.send(edit), 400, 'unknown-field')
  })

  it('who each list after a write of their own: nobody sees a list from before it', async () => {
    const list = async (query: string): Promise<readonly KeyView[]> =>
      (await appliance.admin.get<ListPage<KeyView>>(`${keys.path}?prefix=listed-&limit=1000${query}`)).items
    await together(async racer => {
      const name = `listed-${racer}`
      const seen = async (query: string): Promise<KeyView | undefined> =>
        (await list(query)).find(key => key.name === name)
      expect(await seen('')).to.equal(undefined)
      expect(await seen('&state=disabled')).to.equal(undefined)
      await keys.create({ name, algorithm, tags: { racer: `${racer}` } })
      expect(await seen('')).to.include({ generation: 1 })
      expect(await seen(`&tag=racer%3D${racer}`)).to.include({ generation: 1 })
      await keys.act(name, 'disable')
      expect(await seen('&state=disabled')).to.include({ state: 'disabled', generation: 2 })
      expect(await seen('&state=enabled')).to.equal(undefined)
      await keys.edit(name, { tags: { other: 'x' } })
      expect(await seen(`&tag=racer%3D${racer}`)).to.equal(undefined)
      expect(await seen('&tag=other')).to.include({ generation: 3 })
    }, 24)
  })
})
