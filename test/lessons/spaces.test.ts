import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { type KeyView, type ListPage, permissions } from '@warder/core'
import { pathOf } from '../../daemon/src/api/operation.ts'
import { operations } from '../../daemon/src/api/operations.ts'
import { importBody } from '../e2e/support/bring-key.ts'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { etagOf, KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { plausibleBody } from '../e2e/support/plausible-body.ts'
import type { Client } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'

describe('lesson: nothing of one space can be reached from another', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  /** May do everything in the space `mine`, and nothing elsewhere. */
  let tenant: Client
  let mine: KeysOfSpace
  let theirs: KeysOfSpace
  const algorithm = 'AES-256'

  before(async () => {
    appliance = await startEngineAppliance()
    for (const name of ['mine', 'theirs']) await appliance.admin.post('/v1/spaces', { name })
    tenant = await credential('tenant')
    mine = new KeysOfSpace(tenant, 'mine')
    theirs = new KeysOfSpace(appliance.admin, 'theirs')
    for (const keys of [mine, theirs]) await keys.create({ name: 'k', algorithm, exportable: true })
  })
  after(() => appliance[Symbol.asyncDispose]())

  async function credential(identity: string): Promise<Client> {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const body = { identity, spaces: ['mine'], permissions, expiresAt }
    return appliance.client((await appliance.admin.post<{ secret: string }>('/v1/apiKeys', body)).secret)
  }

  it('by any operation, whatever its request: what is there and what is not look alike', async () => {
    for (const operation of operations.filter(each => each.path.includes('{space}'))) {
      const { method, path } = operation
      const answers = []
      for (const [space, key] of [
        ['theirs', 'k'],
        ['theirs', 'none'],
        ['nowhere', 'k'],
      ] as const) {
        const at = pathOf(path, { space, key, version: '1' })
        const body = method === 'GET' ? {} : { body: plausibleBody(operation) }
        const reply = await tenant.send({ method, path: at, headers: { 'if-match': '*' }, ...body })
        expectProblem(reply, 403, 'forbidden')
        const { request_id: _, detail, ...problem } = reply.body
        answers.push({ ...problem, detail: detail.replace(space, '…') })
      }
      expect(answers[1], path).to.deep.equal(answers[0])
      expect(answers[2], path).to.deep.equal(answers[0])
    }
  })

  it('by a ciphertext: it is bound to its space and key, though both keys may be one', async () => {
    // the same bytes under two names, as their owner may bring them
    const material = randomBytes(32)
    for (const [client, space] of [
      [tenant, 'mine'],
      [appliance.admin, 'theirs'],
    ] as const) {
      const body = await importBody(client, { space, name: 'same', algorithm, material })
      await client.post(`/v1/spaces/${space}/keys:import`, body)
    }
    const { ciphertext } = await theirs.act<{ ciphertext: string }>('same', 'encrypt', { plaintext: 'AAAA' })
    for (const name of ['same', 'k'])
      expectProblem(await mine.sendAct(name, 'decrypt', { ciphertext }), 422, 'decryption-failed')
    expect(await theirs.act('same', 'decrypt', { ciphertext })).to.include({ plaintext: 'AAAA' })
  })

  it('by an import key', async () => {
    const body = await importBody(appliance.admin, { space: 'theirs', name: 'x', algorithm, material: randomBytes(32) })
    expectProblem(await mine.send({ method: 'POST', path: ':import', body }), 404, 'import-key-not-found')
    // and theirs was not used up by it
    await theirs
      .send({ method: 'POST', path: ':import', body })
      .then(({ status, text }) => expect(status, text).to.equal(201))
  })

  it('by an ETag', async () => {
    const headers = { 'if-match': etagOf(await theirs.get('k')) }
    expectProblem(await mine.sendAct('k', 'rotate', undefined, headers), 412, 'precondition-failed')
  })

  it('by the cursor of a listing', async () => {
    for (const keys of [mine, theirs]) for (const n of [1, 2, 3]) await keys.create({ name: `listed-${n}`, algorithm })
    for (const filter of ['', '&state=enabled']) {
      const { next = '' } = await appliance.admin.get<ListPage<KeyView>>(`${theirs.path}?limit=1${filter}`)
      const reply = await tenant.send<ListPage<KeyView>>({ path: `${mine.path}?limit=1000${filter}&after=${next}` })
      if (reply.status === 200) for (const { space } of reply.body.items) expect(space).to.equal('mine')
      else expectProblem(reply, 400, 'malformed-request')
    }
  })

  it('by an idempotency key that somebody else has used', async () => {
    const other = new KeysOfSpace(await credential('other'), 'mine')
    const headers = { 'idempotency-key': 'guessed' }
    const body = { name: 'idempotent', algorithm }
    expect((await mine.send({ method: 'POST', body, headers })).status).to.equal(201)
    const reply = await other.send({ method: 'POST', body, headers })
    expectProblem(reply, 409, 'key-exists')
    expect(reply.headers).to.not.have.property('idempotency-replayed')
  })
})
