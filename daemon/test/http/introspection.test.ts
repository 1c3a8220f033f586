import { expect } from 'chai'
import { WarderError } from '@warder/contract'
import { operations } from '../../src/api/operations.ts'
import { startAppliance, type Appliance } from './support/appliance.ts'

const figures = { journalWaiting: 3, caches: { listings: { hits: 5, misses: 2, entries: 1 } } }

describe('introspection', () => {
  let appliance: Appliance
  beforeEach(async () => {
    appliance = await startAppliance({ figures: () => figures })
  })
  afterEach(() => appliance[Symbol.asyncDispose]())

  it('needs the permission', async () => {
    appliance.engine.introspects = false
    for (const path of ['/metrics', '/healthz']) {
      const reply = await appliance.get(path)
      expect([reply.status, reply.json()['code']], path).to.deep.equal([403, 'forbidden'])
    }
  })

  it('tells the health of each part', async () => {
    const reply = await appliance.get('/healthz')
    expect(reply.status).to.equal(200)
    const { uptimeSeconds, ...rest } = reply.json()
    expect(uptimeSeconds).to.be.a('number')
    expect(rest).to.deep.equal({
      ok: true,
      version: '1.2.3',
      parts: { journal: { ok: true, detail: 'writing' }, hsm: { ok: true, detail: 'token present' } },
      eventLoop: { p99Ms: 1.5, maxMs: 9 },
      caches: { listings: { hits: 5, misses: 2, entries: 1 } },
    })
  })

  it('answers 503 with the same detail when a part is not well', async () => {
    appliance.engine.healthy['hsm'] = { ok: false, detail: 'no token' }
    const reply = await appliance.get('/healthz')
    expect(reply.status).to.equal(503)
    expect(reply.json()).to.deep.include({ ok: false })
    expect((await appliance.get('/metrics')).text).to.include('warder_part_up{part="hsm"} 0')
  })

  it('counts and times requests by operation and class of status, and refusals by code', async () => {
    await appliance.get('/v1/spaces/a/keys/k')
    await appliance.get('/v1/spaces/a/keys/K')
    await appliance.get('/nowhere')
    appliance.engine.instead = () => Promise.reject(new WarderError('hsm-unavailable', 'gone'))
    await appliance.get('/v1/spaces/a/keys/k')
    const reply = await appliance.get('/metrics')
    expect(reply.headers['content-type']).to.match(/^text\/plain; version=0\.0\.4/)
    const { text } = reply
    for (const line of [
      'warder_operation_duration_seconds_count{operation="getKey",status="2xx"} 1',
      'warder_operation_duration_seconds_count{operation="getKey",status="4xx"} 1',
      'warder_operation_duration_seconds_count{operation="getKey",status="5xx"} 1',
      'warder_operation_duration_seconds_count{operation="none",status="4xx"} 1',
      'warder_errors_total{code="malformed-request"} 1',
      'warder_errors_total{code="route-not-found"} 1',
      'warder_errors_total{code="hsm-unavailable"} 1',
      'warder_part_up{part="journal"} 1',
      'warder_journal_waiting_records 3',
      'warder_cache_hits_total{cache="listings"} 5',
      'warder_cache_entries{cache="listings"} 1',
    ]) {
      expect(text).to.include(line)
    }
  })

  it('has no label that a caller can choose', async () => {
    const canary = 'c4n4ry'
    const path = `/v1/spaces/${canary}/keys/${canary}`
    for (const to of [path, `${path}:sign`, `/${canary}`, `/problems/${canary}`]) await appliance.get(to)
    await appliance.send({ path, method: 'DELETE', headers: { 'x-request-id': canary } })
    const { text } = await appliance.get('/metrics')
    expect(text).to.not.include(canary)
    const named = new Set([...text.matchAll(/operation="(\w+)"/g)].map(([, name]) => name))
    const known = new Set([...operations.map(({ id }) => id), 'none', 'metrics', 'problems'])
    for (const name of named) expect(known.has(name ?? ''), name).to.equal(true)
  })
})

describe('too many headers', () => {
  it('are refused', async () => {
    const appliance = await startAppliance()
    try {
      const many = (count: number): Record<string, string> =>
        Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, '1']))
      expect((await appliance.send({ path: '/v1/spaces', headers: many(90) })).status).to.equal(200)
      const reply = await appliance.send({ path: '/v1/spaces', headers: many(101) })
      expect(reply.json()).to.include({ code: 'too-complex', field: 'headers', status: 400 })
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })
})
