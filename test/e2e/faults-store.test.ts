import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { WarderCode } from '@warder/contract'
import type { KeyView } from '@warder/core'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import { recordsOf } from '../support/journal.ts'
import { expectProblem } from '../support/problem.ts'
import { type StoredRow, StoredRows } from '../support/stored-rows.ts'
import { until } from '../support/until.ts'

interface Issued {
  readonly apiKey: { readonly id: string }
  readonly secret: string
}

const keys = '/v1/spaces/default/keys'

describe('an appliance whose storage is changed behind its back', function () {
  this.timeout(60_000)
  let appliance: Appliance
  let rows: StoredRows
  before(async () => {
    appliance = await startAppliance()
    rows = new StoredRows(join(appliance.dir, 'data', 'store.sqlite'))
    for (const name of ['one', 'other'])
      await appliance.admin.post(keys, { name, algorithm: 'P-256', tags: { team: 'a' } })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const issue = (): Promise<Issued> =>
    appliance.admin.post('/v1/apiKeys', {
      identity: 'service',
      spaces: ['default'],
      permissions: ['read', 'use'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    })

  /** What is logged of the request that gets this answer. */
  async function refusalOf(path: string, status: number, code: WarderCode): Promise<string> {
    const reply = await appliance.admin.send({ path })
    expectProblem(reply, status, code)
    const line = (): string => appliance.logged.split('\n').find(each => each.includes(reply.body.request_id)) ?? ''
    await until('its line in the log', () => line() !== '')
    expect(line()).to.include(code)
    return line()
  }

  it('a record put back to an older state is refused at the next read, and others are served', async () => {
    const { apiKey, secret } = await issue()
    const older = rows.read('api-keys', apiKey.id)
    await appliance.admin.post(`/v1/apiKeys/${apiKey.id}:revoke`)
    const current = rows.read('api-keys', apiKey.id)
    rows.replace(current, older)

    const revived = await appliance.client(secret)
    expectProblem(await revived.send({ path: keys }), 503, 'record-rolled-back')
    const logged = await refusalOf('/v1/apiKeys', 503, 'record-rolled-back')
    expect(logged).to.include(`api-keys/${apiKey.id}`).and.to.include('older state')
    await appliance.admin.post(`${keys}/one:sign`, { input: 'AAAA' })

    await appliance.restart()
    expectProblem(await (await appliance.client(secret)).send({ path: keys }), 503, 'record-rolled-back')
    rows.replace(current, current)
    expectProblem(await (await appliance.client(secret)).send({ path: keys }), 401, 'invalid-credentials')
  })

  const flipped = (row: StoredRow, at: number): Buffer => {
    const body = Buffer.from(row.body)
    body[at] = (body[at] as number) ^ 0x40
    return body
  }

  /** Each column changed by itself; `names` is what the log calls it. */
  const changes: readonly (readonly [string, (row: StoredRow) => StoredRow, WarderCode, string])[] = [
    ['collection', row => ({ ...row, collection: `${row.collection}-x` }), 'record-missing', 'gone from storage'],
    ['id', row => ({ ...row, id: `${row.id}-x` }), 'record-missing', 'gone from storage'],
    ['revision', row => ({ ...row, revision: row.revision + 1 }), 'record-corrupt', '(revision)'],
    ['attributes', row => ({ ...row, attributes: '{"space":"root"}' }), 'record-corrupt', '(attributes)'],
    ['first byte of the body', row => ({ ...row, body: flipped(row, 0) }), 'record-corrupt', '(body)'],
    ['ciphertext', row => ({ ...row, body: flipped(row, 60) }), 'record-corrupt', '(body)'],
    ['last byte of the body', row => ({ ...row, body: flipped(row, row.body.length - 1) }), 'record-corrupt', '(body)'],
    ['body cut short', row => ({ ...row, body: row.body.subarray(0, 40) }), 'record-corrupt', '(body)'],
    ['body emptied', row => ({ ...row, body: Buffer.alloc(0) }), 'record-corrupt', '(body)'],
  ]

  const readers: readonly (readonly [string, (key: KeyView) => string, string])[] = [
    ['keys', () => 'default/one', `${keys}/one`],
    ['key-versions', ({ id }) => id, `${keys}/one/publicKey`],
    ['spaces', () => 'default', '/v1/spaces/default'],
    ['api-keys', () => '', '/v1/apiKeys'],
  ]

  for (const [collection, prefix, path] of readers)
    it(`every column of a row of ${collection}, changed by itself, is detected and named`, async () => {
      await issue()
      const row = rows.first(collection, prefix(await appliance.admin.get<KeyView>(`${keys}/one`)))
      for (const [column, change, code, named] of changes) {
        const changed = change(row)
        rows.replace(row, changed)
        const logged = await refusalOf(path, 503, code)
        expect(logged, column).to.include(`${collection}/${row.id}`).and.to.include(named)
        await appliance.admin.get(`${keys}/other`)
        rows.replace(changed, row)
        expect((await appliance.admin.send({ path })).status, `${column} restored`).to.equal(200)
      }
    })

  it('a row with the body of another is refused', async () => {
    const [one, other] = [rows.read('keys', 'default/one'), rows.read('keys', 'default/other')]
    rows.replace(one, { ...one, body: other.body })
    expect(await refusalOf(`${keys}/one`, 503, 'record-corrupt')).to.include('keys/default/one')
    rows.replace(one, one)
  })

  it('a row that was removed is missing, never "not found", and its name is not free', async () => {
    const row = rows.read('keys', 'default/one')
    rows.remove(row)
    expect(await refusalOf(`${keys}/one`, 503, 'record-missing')).to.include('keys/default/one')
    await refusalOf(keys, 503, 'record-missing')
    const body = { name: 'one', algorithm: 'P-256' }
    expectProblem(await appliance.admin.send({ method: 'POST', path: keys, body }), 409, 'key-exists')
    rows.insert(row)
    await appliance.admin.get(`${keys}/one`)
  })

  it('a key in use whose row was put back or removed is used for a moment at most', async () => {
    // it was refused at the very next use once; now a read that was just made counts for 100 ms
    const name = 'used'
    await appliance.admin.post(keys, { name, algorithm: 'P-256' })
    const path = `${keys}/${name}:sign`
    const signing = () => appliance.admin.send({ method: 'POST', path, body: { input: 'AAAA' } })
    const older = rows.read('keys', `default/${name}`)
    await appliance.admin.post(`${keys}/${name}:disable`)
    expectProblem(await signing(), 409, 'wrong-state')
    const disabled = rows.read('keys', `default/${name}`)
    rows.replace(disabled, older)
    await until('the older state is refused', async () => {
      const answer = await signing()
      expect(answer.status, 'an older state is never used').to.not.equal(200)
      return answer.status === 503
    })
    expectProblem(await signing(), 503, 'record-rolled-back')
    rows.replace(older, disabled)
    await appliance.admin.post(`${keys}/${name}:enable`)
    expect((await signing()).status, 'enabled again').to.equal(200)

    const version = rows.first('key-versions', (await appliance.admin.get<KeyView>(`${keys}/${name}`)).id)
    rows.remove(version)
    await until('its use is refused', async () => (await signing()).status === 503)
    expectProblem(await signing(), 503, 'record-missing')
    rows.insert(version)
    expect((await signing()).status, 'restored').to.equal(200)
  })

  it('a row that the journal does not know is no key', async () => {
    const row = rows.read('keys', 'default/one')
    rows.insert({ ...row, id: 'default/planted' })
    expectProblem(await appliance.admin.send({ path: `${keys}/planted` }), 404, 'key-not-found')
    rows.remove({ collection: 'keys', id: 'default/planted' })
  })

  it('the store’s file removed: writes are refused while it runs, reads after a restart', async () => {
    for (const suffix of ['', '-wal', '-shm']) await rm(join(appliance.dir, 'data', `store.sqlite${suffix}`))
    const body = { name: 'late', algorithm: 'P-256' }
    expectProblem(await appliance.admin.send({ method: 'POST', path: keys, body }), 503, 'storage-unavailable')
    const readiness = await appliance.admin.send({ path: '/readyz?verbose' })
    expect(readiness.status).to.equal(503)
    expect(readiness.text)
      .to.match(/^\[-\]storage failed: /m)
      .and.to.match(/^\[\+\]journal ok: /m)

    const before = recordsOf(await appliance.journal()).length
    await appliance.restart()
    expectProblem(await appliance.admin.send({ path: `${keys}/one` }), 503, 'record-missing')
    expect(recordsOf(await appliance.journal()).length).to.be.above(before)
  })
})
