import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { type Permission, permissions } from '@warder/core'
import { importBody } from '../e2e/support/bring-key.ts'
import { type EngineAppliance, startEngineAppliance } from '../e2e/support/engine-appliance.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import type { Sending } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'

/** What each permission is for, spelled out: what changes a key, replaces it or takes it out is not for who may use it. */
const table: Readonly<Record<Permission, readonly string[]>> = {
  read: ['get', 'list', 'version', 'verifyMac'],
  use: ['mac', 'random'],
  write: ['create', 'edit', 'rotate', 'rollback', 'disable', 'enable', 'suspend', 'resume', 'importKey', 'import'],
  delete: ['revoke', 'destroy', 'restore'],
  admin: ['export', 'createSpace', 'createApiKey', 'listApiKeys'],
  consolidate: ['rootKeys', 'rotateRootKey'],
  introspect: ['healthz', 'metrics'],
}

describe('lesson: each operation asks for its own permission, also import, re-keying and edits of attributes', function () {
  this.timeout(60_000)
  let appliance: EngineAppliance
  let keys: KeysOfSpace
  const algorithm = 'HMAC-SHA-256'

  before(async () => {
    appliance = await startEngineAppliance()
    keys = new KeysOfSpace(appliance.admin)
    await keys.create({ name: 'k', algorithm, exportable: true })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const post = (path: string, body?: unknown): Sending => ({ method: 'POST', path, body, headers: { 'if-match': '*' } })
  const act = (action: string, body?: unknown): Sending => post(`${keys.path}/k:${action}`, body)

  /** Requests in an order in which all of them go well for who may do everything. */
  const requests: readonly (readonly [string, () => Sending | Promise<Sending>])[] = [
    ['get', () => ({ path: `${keys.path}/k` })],
    ['list', () => ({ path: keys.path })],
    ['version', () => ({ path: `${keys.path}/k/versions/1` })],
    ['verifyMac', () => act('verifyMac', { input: '', mac: '' })],
    ['mac', () => act('mac', { input: '' })],
    ['random', () => post('/v1/random', { length: 8 })],
    ['create', () => post(keys.path, { name: `new-${randomBytes(4).toString('hex')}`, algorithm })],
    ['edit', () => ({ method: 'PATCH', path: `${keys.path}/k`, body: { tags: {} }, headers: { 'if-match': '*' } })],
    ['rotate', () => act('rotate')],
    ['rollback', () => act('rollback', { version: 1 })],
    ['disable', () => act('disable')],
    ['enable', () => act('enable')],
    ['suspend', () => act('suspend', { version: 2 })],
    ['resume', () => act('resume', { version: 2 })],
    ['importKey', () => ({ path: '/v1/spaces/default/importKey' })],
    [
      'import',
      async () => {
        const name = `brought-${randomBytes(4).toString('hex')}`
        const bringing = { space: 'default', name, algorithm, material: randomBytes(32) }
        return post(`${keys.path}:import`, await importBody(appliance.admin, bringing))
      },
    ],
    ['export', async () => act('export', { recipient: await recipient() })],
    ['revoke', () => act('revoke', { version: 2, reason: 'superseded' })],
    ['destroy', () => act('destroy')],
    ['restore', () => act('restore')],
    ['createSpace', () => post('/v1/spaces', { name: `space-${randomBytes(4).toString('hex')}` })],
    ['createApiKey', () => post('/v1/apiKeys', apiKey(['read']))],
    ['listApiKeys', () => ({ path: '/v1/apiKeys' })],
    ['rootKeys', () => ({ path: '/v1/rootKeys' })],
    ['rotateRootKey', () => post('/v1/rootKeys:rotate')],
    ['healthz', () => ({ path: '/healthz' })],
    ['metrics', () => ({ path: '/metrics' })],
  ]

  const apiKey = (granted: readonly Permission[]): object => ({
    identity: 'tenant',
    spaces: ['default', 'root'],
    permissions: granted,
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  })

  /** Any RSA key will do: that of an import. */
  async function recipient(): Promise<string> {
    return (await appliance.admin.get<{ spki: string }>('/v1/spaces/default/importKey')).spki
  }

  async function clientWith(granted: readonly Permission[]): Promise<ReturnType<EngineAppliance['client']>> {
    return appliance.client((await appliance.admin.post<{ secret: string }>('/v1/apiKeys', apiKey(granted))).secret)
  }

  it('the table names every request', () => {
    expect(Object.values(table).flat().toSorted()).to.deep.equal(requests.map(([name]) => name).toSorted())
    expect(Object.keys(table).toSorted()).to.deep.equal([...permissions].toSorted())
  })

  it('without its permission, all others are of no use; with it, none is needed besides', async () => {
    const without = new Map<Permission, Awaited<ReturnType<typeof clientWith>>>()
    const only = new Map<Permission, Awaited<ReturnType<typeof clientWith>>>()
    for (const permission of permissions) {
      without.set(permission, await clientWith(permissions.filter(each => each !== permission)))
      only.set(permission, await clientWith([permission]))
    }
    for (const [name, request] of requests) {
      const permission = permissions.find(each => table[each].includes(name)) as Permission
      const sending = await request()
      const denied = await without.get(permission)?.send(sending)
      expect(denied?.status, `${name} without ${permission}`).to.equal(403)
      expect(denied?.body, name).to.include({ code: 'forbidden', permission })
      const done = await only.get(permission)?.send(sending)
      expect(done?.status, `${name} with ${permission}: ${done?.text}`).to.be.oneOf([200, 201])
    }
  })

  it('an import replaces nothing: a name that is taken stays what it was', async () => {
    const { name } = await keys.create({ name: 'taken', algorithm })
    const before = await keys.get(name)
    const { mac } = await keys.act<{ mac: string }>(name, 'mac', { input: '' })
    const body = await importBody(appliance.admin, { space: 'default', name, algorithm, material: randomBytes(32) })
    expectProblem(await keys.send({ method: 'POST', path: ':import', body }), 409, 'key-exists')
    expect(await keys.get(name)).to.deep.equal(before)
    expect(await keys.act(name, 'mac', { input: '' })).to.include({ mac })
  })

  it('an edit changes only what may be changed', async () => {
    const before = await keys.get('taken')
    for (const field of Object.keys(before)) {
      if (['tags', 'description', 'minDecryptVersion', 'minEncryptVersion'].includes(field)) continue
      const body = { [field]: before[field as keyof typeof before] }
      const reply = await keys.send({ method: 'PATCH', path: '/taken', body, headers: { 'if-match': '*' } })
      expectProblem(reply, 400, 'unknown-field')
    }
    expect(await keys.get('taken')).to.deep.equal(before)
  })
})
