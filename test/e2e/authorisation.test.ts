import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { type Permission, permissions } from '@warder/core'
import { pathOf } from '../../daemon/src/api/operation.ts'
import { operations } from '../../daemon/src/api/operations.ts'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { Client, Sending } from '../support/client.ts'
import { recordsOf } from '../support/journal.ts'
import { expectProblem } from '../support/problem.ts'

interface Issued {
  readonly apiKey: { readonly id: string }
  readonly secret: string
}

/** The least that each operation takes; what comes of it does not matter here. */
const bodies: Readonly<Record<string, object>> = {
  createSpace: {},
  createKey: { algorithm: 'P-256' },
  editKey: {},
  rollbackKey: { version: 1 },
  suspendKeyVersion: { version: 1 },
  resumeKeyVersion: { version: 1 },
  revokeKey: { reason: 'superseded' },
  sign: { input: 'AAAA' },
  verify: { input: 'AAAA', signature: 'AAAA' },
  encrypt: { plaintext: 'AAAA' },
  decrypt: { ciphertext: 'AAAA' },
  mac: { input: 'AAAA' },
  verifyMac: { input: 'AAAA', mac: 'AAAA' },
  wrap: { bytes: 'AAAA' },
  unwrap: { wrapped: 'AAAA' },
  derive: { peer: 'AAAA' },
  generateDataKey: { length: 32 },
  importKey: { name: 'x', algorithm: 'P-256', importKey: '00000000-0000-4000-8000-000000000000', wrapped: 'AAAA' },
  exportKey: { recipient: 'AAAA' },
  random: { length: 16 },
  createApiKey: {},
}

const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

/** Told by the records of refused authentications: how many there are in all, by reason. */
function failuresIn(journal: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { type, subject } of recordsOf(journal)) {
    if (type !== 'authentication') continue
    for (const [reason, sources] of Object.entries(subject['counts'] as Record<string, Record<string, number>>))
      for (const count of Object.values(sources)) sums[reason] = (sums[reason] ?? 0) + count
  }
  return sums
}

describe('authorisation in an appliance', function () {
  this.timeout(30_000)
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
    for (const space of ['mine', 'theirs']) {
      await appliance.admin.post('/v1/spaces', { name: space })
      await appliance.admin.post(`/v1/spaces/${space}/keys`, { name: 'k', algorithm: 'P-256' })
    }
  })
  after(() => appliance[Symbol.asyncDispose]())

  const issue = (granted: readonly Permission[], spaces: readonly string[]): Promise<Issued> =>
    appliance.admin.post('/v1/apiKeys', { identity: 'tenant', spaces, permissions: granted, expiresAt: tomorrow })

  const clientWith = async (granted: readonly Permission[], spaces: readonly string[]): Promise<Client> =>
    appliance.client((await issue(granted, spaces)).secret)

  /** A well-formed request of each operation; what it creates is new each time. */
  async function sendingOf(operation: (typeof operations)[number], space: string): Promise<Sending> {
    const n = randomBytes(4).toString('hex')
    const id = operation.path.includes('{id}') ? (await issue(['read'], ['mine'])).apiKey.id : ''
    const fresh: Readonly<Record<string, object>> = {
      createSpace: { name: `space-${n}` },
      createKey: { name: `key-${n}` },
      createApiKey: { identity: 'x', spaces: ['mine'], permissions: ['read'], expiresAt: tomorrow },
    }
    const body = bodies[operation.id]
    const path = pathOf(operation.path, { space, key: 'k', id, version: '1' })
    return {
      method: operation.method,
      path,
      ...(body !== undefined && { body: { ...body, ...fresh[operation.id] } }),
      ...(operation.ifMatch !== undefined && { headers: { 'if-match': '*' } }),
    }
  }

  /** Sends it; of a denial, asserts that it was on record when the answer came. What comes after is not asked here. */
  async function denied(client: Client, sending: Sending): Promise<boolean> {
    const requestId = randomBytes(8).toString('hex')
    const reply = await client.send({ ...sending, headers: { ...sending.headers, 'x-request-id': requestId } })
    const records = recordsOf(await appliance.journal()).filter(({ correlation }) => correlation === requestId)
    if (reply.status !== 403) {
      expect(reply.status, reply.text).to.be.oneOf([200, 201, 400, 404, 409, 422])
      expect(records.filter(({ type }) => type === 'authorization')).to.deep.equal([])
      return false
    }
    expectProblem(reply, 403, 'forbidden')
    expect(records.map(({ type, result, actor }) => ({ type, result, actor }))).to.deep.equal([
      { type: 'authorization', result: 'forbidden', actor: 'tenant' },
    ])
    return true
  }

  it('every operation of the table has a request here', () => {
    for (const { id, request, bodyOptional } of operations) {
      if (request !== undefined && bodyOptional !== true) expect(bodies, id).to.have.property(id)
    }
  })

  for (const permission of permissions)
    it(`${permission} alone opens what the table says, and nothing else`, async () => {
      const client = await clientWith([permission], ['mine', 'root'])
      for (const operation of operations) {
        // A list of spaces shows each caller those it may read, so it is never refused; it has a test of its own.
        if (operation.id === 'listSpaces') continue
        const was = await denied(client, await sendingOf(operation, 'mine'))
        expect(was, operation.id).to.equal(operation.permission !== permission)
      }
    })

  it('a batch of which no item can be read tells a stranger no more than one that can, and the refusal is on record', async () => {
    const reader = await clientWith(['admin'], ['mine'])
    const elsewhere = await clientWith(['use', 'read'], ['mine'])
    const body = { items: [{}, {}] }
    for (const { id, path, handleBatch } of operations) {
      if (handleBatch === undefined) continue
      const of = (space: string, key: string): Sending => ({ method: 'POST', path: pathOf(path, { space, key }), body })
      expect(await denied(reader, of('mine', 'k')), id).to.equal(true)
      expect(await denied(elsewhere, of('theirs', 'k')), `${id} in another space`).to.equal(true)
      expect(await denied(elsewhere, of('nowhere', 'k')), `${id} in a space that is not there`).to.equal(true)
      expectProblem(await elsewhere.send(of('mine', 'nobody')), 404, 'key-not-found')
    }
  })

  it('all permissions but one open all but what needs that one', async () => {
    for (const missing of new Set(operations.map(({ permission }) => permission))) {
      const client = await clientWith(
        permissions.filter(each => each !== missing),
        ['mine', 'root'],
      )
      for (const operation of operations.filter(({ id }) => id !== 'listSpaces'))
        expect(await denied(client, await sendingOf(operation, 'mine')), `${operation.id} without ${missing}`).to.equal(
          operation.permission === missing,
        )
    }
  })

  it('all permissions in one space open nothing in another, nor in the appliance as a whole', async () => {
    const client = await clientWith(permissions, ['mine'])
    // Random bytes are of no space.
    for (const operation of operations.filter(({ id }) => id !== 'listSpaces' && id !== 'random')) {
      const ofSpace = operation.path.includes('{space}')
      expect(await denied(client, await sendingOf(operation, 'theirs')), `${operation.id} of theirs`).to.equal(true)
      expect(await denied(client, await sendingOf(operation, 'nowhere')), `${operation.id} of nowhere`).to.equal(true)
      expect(await denied(client, await sendingOf(operation, 'mine')), `${operation.id} of mine`).to.equal(!ofSpace)
    }
  })

  it('the list of spaces shows those the caller may read, and no other', async () => {
    const namesFor = async (granted: readonly Permission[], spaces: readonly string[]): Promise<string[]> => {
      const client = await clientWith(granted, spaces)
      const { items } = await client.get<{ items: { name: string }[] }>('/v1/spaces')
      return items.map(({ name }) => name)
    }
    expect(await namesFor(['read'], ['mine'])).to.deep.equal(['mine'])
    expect(await namesFor(['read', 'admin'], ['theirs', 'mine'])).to.deep.equal(['mine', 'theirs'])
    expect(
      await namesFor(
        permissions.filter(each => each !== 'read'),
        ['mine'],
      ),
    ).to.deep.equal([])
  })

  it('a revoked key is refused from the next request on, on connections that are open too', async () => {
    const { apiKey, secret } = await issue(['read'], ['mine'])
    const client = await appliance.client(secret)
    const path = '/v1/spaces/mine/keys/k'
    const many = (): Promise<number[]> =>
      Promise.all(Array.from({ length: 20 }, async () => (await client.send({ path })).status))
    expect(new Set(await many())).to.deep.equal(new Set([200]))
    await appliance.admin.post(`/v1/apiKeys/${apiKey.id}:revoke`)
    expect(new Set(await many())).to.deep.equal(new Set([401]))
    expectProblem(await client.send({ path }), 401, 'invalid-credentials')
  })

  it('a key may revoke itself, and is then refused', async () => {
    const { apiKey, secret } = await issue(['admin'], ['root'])
    const client = await appliance.client(secret)
    await client.post(`/v1/apiKeys/${apiKey.id}:revoke`)
    expectProblem(await client.send({ path: '/v1/apiKeys' }), 401, 'invalid-credentials')
  })

  it('a flood of wrong keys is counted to the last one, in few records', async () => {
    const before = await appliance.journal()
    const strangers = await Promise.all([
      appliance.client('not a key'.replaceAll(' ', '-')),
      appliance.client(`wrd_${randomBytes(8).toString('hex')}_${randomBytes(40).toString('base64url')}`),
    ])
    const nobody = await appliance.client()
    const send = async (client: Client): Promise<number> => (await client.send({ path: '/v1/spaces' })).status
    const statuses = await Promise.all([
      ...Array.from({ length: 500 }, (_, n) => send(strangers[n % 2] as Client)),
      ...Array.from({ length: 70 }, () => send(nobody)),
    ])
    expect(new Set(statuses)).to.deep.equal(new Set([401]))
    const after = await appliance.journal()
    const [counted, was] = [failuresIn(after), failuresIn(before)]
    expect((counted['invalid-credentials'] ?? 0) - (was['invalid-credentials'] ?? 0)).to.equal(500)
    expect((counted['missing-credentials'] ?? 0) - (was['missing-credentials'] ?? 0)).to.equal(70)
    expect(recordsOf(after).length - recordsOf(before).length).to.be.below(285)
  })

  it('the journal tells who did what, and holds no secret: no API key, input, description or tag', async () => {
    const { apiKey, secret } = await issue(['write', 'use', 'read'], ['mine'])
    const client = await appliance.client(secret)
    const message = randomBytes(48)
    const [description, tag] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')]
    await client.post('/v1/spaces/mine/keys', { name: 'private', algorithm: 'P-256', description, tags: { tag } })
    const path = '/v1/spaces/mine/keys/private'
    const requestId = randomBytes(8).toString('hex')
    const body = { input: message.toString('base64') }
    const headers = { 'x-request-id': requestId }
    const { body: signed } = await client.send<{ signature: string }>({
      method: 'POST',
      path: `${path}:sign`,
      body,
      headers,
    })
    await client.post(`${path}:verify`, { ...body, signature: signed.signature })

    const journal = await appliance.journal()
    const use = recordsOf(journal).find(({ correlation }) => correlation === requestId)
    expect(use).to.include({ type: 'key-use', action: 'key:sign', result: 'ok', actor: 'tenant' })
    expect(use?.authn).to.deep.equal({ method: 'api-key', credential: apiKey.id, sourceIp: '127.0.0.1' })
    expect(use?.subject).to.include({ space: 'mine', name: 'private', version: 1, algorithm: 'ES256' })
    expect(use?.redacted).to.deep.equal(['input'])

    const half = secret.slice(21)
    for (const everywhere of [journal, appliance.logged])
      for (const hidden of [
        half,
        half.slice(0, 16),
        description,
        tag,
        body.input,
        message.toString('hex'),
        signed.signature,
      ])
        expect(everywhere.includes(hidden)).to.equal(false)
  })
})
