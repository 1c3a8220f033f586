import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { operations } from '../../src/api/operations.ts'
import { pathOf } from '../../src/api/operation.ts'
import { attributeNames } from '../../src/tracing/attributes.ts'
import { bodies } from '../http/support/bodies.ts'
import { until } from '../hsm/support/until.ts'
import type { Client } from './support/client.ts'
import { attributesOf, Collector, type SentSpan } from './support/collector.ts'
import { TracedAppliance } from './support/traced-appliance.ts'

const newTraceId = (): string => randomBytes(16).toString('hex')
const callerSpan = '00f067aa0ba902b7'
const traceparent = (traceId: string, sampled = true): Record<string, string> => ({
  traceparent: `00-${traceId}-${callerSpan}-0${sampled ? 1 : 0}`,
})
const key = '/v1/spaces/default/keys/traced'
const digest = Buffer.alloc(32, 7).toString('base64')
const signing = { input: digest, prehashed: true }

describe('tracing', function () {
  this.timeout(120_000)
  let appliance: TracedAppliance
  let collector: Collector

  before(async () => {
    appliance = await TracedAppliance.make()
    await appliance.serving(undefined, async client => {
      const made = await client.send({
        method: 'POST',
        path: '/v1/spaces/default/keys',
        body: { name: 'traced', algorithm: 'P-256' },
      })
      expect(made.status, made.text).to.equal(201)
    })
  })
  after(() => appliance?.[Symbol.asyncDispose]())
  beforeEach(async () => (collector = await Collector.start()))
  afterEach(() => collector[Symbol.asyncDispose]())

  const sign = (client: Client, headers = {}) =>
    client.send({ method: 'POST', path: `${key}:sign`, body: signing, headers })

  it('tells of a signature from the request to the HSM host and the journal, below the caller’s span', async () => {
    const traceId = newTraceId()
    let spans: readonly SentSpan[] = []
    await appliance.serving({ endpoint: collector.endpoint, ratio: 0 }, async client => {
      expect((await sign(client, traceparent(traceId))).status).to.equal(200)
      spans = await collector.trace(traceId)
    })
    const [root, ...none] = spans.filter(({ kind }) => kind === 2)
    expect(none).to.deep.equal([])
    expect(root).to.include({ name: 'POST /v1/spaces/{space}/keys/{key}:sign', parentSpanId: callerSpan })
    expect(attributesOf(root as SentSpan)).to.deep.equal({
      'http.request.method': 'POST',
      'url.scheme': 'https',
      'http.route': '/v1/spaces/{space}/keys/{key}:sign',
      'http.response.status_code': 200,
      'warder.operation': 'sign',
      'warder.space': 'default',
      'warder.key': 'traced',
    })
    const parentOf = (span: SentSpan): string => spans.find(each => each.spanId === span.parentSpanId)?.name ?? ''
    const related = spans.map(span => `${span.name} < ${parentOf(span)}`)
    const request = 'POST /v1/spaces/{space}/keys/{key}:sign'
    expect(related).to.include.members([
      `authenticate < ${request}`,
      `authorise < ${request}`,
      `storage.call < ${request}`,
      `hsm.call < ${request}`,
      'hsm.queue < hsm.call',
      'hsm.host < hsm.call',
      `journal.append < ${request}`,
    ])
    const call = attributesOf(spans.find(({ name }) => name === 'hsm.call') as SentSpan)
    expect(call).to.include({ 'warder.hsm.command': 'sign', 'warder.hsm.host': 0 })
    expect(Number(call['warder.hsm.host_us'])).to.be.greaterThan(0)
    for (const span of spans) {
      const outer = spans.find(({ spanId }) => spanId === span.parentSpanId) ?? span
      const [from, to] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)]
      expect(from <= to, span.name).to.equal(true)
      // numbers of milliseconds since the epoch are exact to a quarter of a microsecond
      expect(
        BigInt(outer.startTimeUnixNano) <= from + 1000n && to <= BigInt(outer.endTimeUnixNano) + 1000n,
        span.name,
      ).to.equal(true)
    }
  })

  it('follows the caller, who has sampled or has not, and the ratio where nobody has', async () => {
    const [yes, no] = [newTraceId(), newTraceId()]
    await appliance.serving({ endpoint: collector.endpoint, ratio: 1 }, async client => {
      await sign(client, traceparent(no, false))
      await sign(client)
      await sign(client, traceparent(yes))
      await collector.trace(yes)
    })
    const traces = new Set(collector.spans.map(({ traceId }) => traceId))
    expect(traces.has(no)).to.equal(false)
    expect(traces.size).to.equal(2)
    collector.bodies.length = 0
    await appliance.serving({ endpoint: collector.endpoint, ratio: 0 }, async client => void (await sign(client)))
    expect(collector.bodies).to.deep.equal([])
  })

  it('sends nothing, and loads nothing, where nothing is configured', async () => {
    await appliance.serving(undefined, async client => void (await sign(client, traceparent(newTraceId()))))
    expect(collector.bodies).to.deep.equal([])
  })

  it('names itself and shows the collector the header whose secret the configuration refers to, and no other', async () => {
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-from-environment=1'
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'from=environment'
    await appliance.writeSecret('otlp-token', 'Bearer collector-token\n')
    const headers = { Authorization: `file:${appliance.file('otlp-token')}` }
    await appliance.serving(
      { endpoint: collector.endpoint, ratio: 1, headers },
      async client => void (await sign(client)),
    )
    expect(collector.headers[0]).to.include({
      authorization: 'Bearer collector-token',
      'content-type': 'application/json',
    })
    expect(collector.headers[0]).not.to.have.any.keys('x-from-environment', 'traceparent', 'baggage')
    const [resource] = collector.exports[0]?.resourceSpans ?? []
    expect(Object.keys(attributesOf(resource?.resource ?? { attributes: [] }))).to.have.members([
      'service.name',
      'service.version',
      'service.instance.id',
    ])
    expect(appliance.logged).not.to.contain('collector-token')
    delete process.env['OTEL_RESOURCE_ATTRIBUTES']
  })

  it('logs the id of the trace with the request, also where it is its own', async () => {
    let traceId = ''
    await appliance.serving({ endpoint: collector.endpoint, ratio: 1 }, async client => {
      await sign(client, { 'x-request-id': 'traced-by-us' })
      await until('spans have come', () => collector.spans.some(({ kind }) => kind === 2))
      traceId = collector.spans.find(({ kind }) => kind === 2)?.traceId ?? ''
    })
    const line = appliance.logged.split('\n').find(each => each.includes('traced-by-us')) ?? ''
    expect(line).to.contain(traceId)
  })

  it('serves as ever while the collector hangs, and closes within a bound', async () => {
    collector.mode = 'hang'
    const closed = await appliance.serving({ endpoint: collector.endpoint, ratio: 1 }, async client => {
      expect((await sign(client)).status).to.equal(200)
      await until('spans have come', () => collector.bodies.length > 0)
      for (let count = 0; count < 50; count++) expect((await sign(client)).status).to.equal(200)
    })
    expect(closed).to.be.lessThan(15_000)
  })

  it('says once that a collector fails, and serves', async () => {
    collector.mode = 'fail'
    const before = appliance.logged.length
    await appliance.serving({ endpoint: collector.endpoint, ratio: 1 }, async client => {
      expect((await sign(client)).status).to.equal(200)
      await until('spans have come', () => collector.bodies.length > 0)
      expect((await sign(client)).status).to.equal(200)
    })
    expect(appliance.logged.slice(before).match(/traces cannot be delivered/g)).to.have.length(1)
  })

  it('tells codes of what was refused, and not whom a stranger meant', async () => {
    const [stranger, none] = [newTraceId(), newTraceId()]
    await appliance.serving({ endpoint: collector.endpoint, ratio: 0 }, async client => {
      await sign(client, { ...traceparent(stranger), authorization: 'Bearer wrd_0' })
      await client.send({ path: '/v1/spaces/default/keys/absent', headers: traceparent(none) })
      const refused = (await collector.trace(stranger)).find(({ kind }) => kind === 2) as SentSpan
      expect(attributesOf(refused)).to.include({
        'http.response.status_code': 401,
        'warder.code': 'invalid-credentials',
      })
      // what a stranger wrote there
      expect(attributesOf(refused)).not.to.have.any.keys('warder.space', 'warder.key', 'error.type')
      const absent = (await collector.trace(none)).find(({ kind }) => kind === 2) as SentSpan
      expect(attributesOf(absent)).to.include({ 'warder.code': 'key-not-found', 'http.response.status_code': 404 })
      expect(absent.status.code).to.equal(0)
    })
  })

  it('tells of every operation nothing that a caller sent or got, and no attribute that is not on the list', async () => {
    const canary = 'canary-7f3a91'
    const secrets = [
      appliance.apiKey,
      canary,
      ...['base64', 'base64url', 'hex'].map(each => Buffer.from(canary).toString(each as 'hex')),
    ]
    const base64 = Buffer.from(canary).toString('base64')
    const names = { space: 'default', key: 'traced', id: '0123456789abcdef', version: '1' }
    await appliance.serving({ endpoint: collector.endpoint, ratio: 1 }, async client => {
      const post = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
        const reply = await client.send({
          method: 'POST',
          path,
          body,
          headers: { 'x-request-id': canary },
        })
        for (const field of ['signature', 'ciphertext', 'mac', 'wrapped', 'secret', 'plaintext', 'key', 'bytes']) {
          const value = reply.body?.[field]
          if (typeof value === 'string' && value.length > 12) secrets.push(value)
        }
        return reply.body
      }
      const at = '/v1/spaces/default/keys'
      for (const [name, algorithm, usage] of [
        ['enc', 'AES-256', 'encrypt'],
        ['wrap', 'AES-256', 'wrap'],
        ['mac', 'HMAC-SHA-256', 'mac'],
      ])
        await post(at, { name, algorithm, usage, description: canary, tags: { [canary]: canary } })
      await post(`${at}/traced:sign`, { input: base64 })
      const { ciphertext } = await post(`${at}/enc:encrypt`, { plaintext: base64, aad: base64 })
      await post(`${at}/enc:decrypt`, { ciphertext, aad: base64 })
      await post(`${at}/mac:mac`, { input: base64 })
      const { wrapped } = await post(`${at}/wrap:wrap`, { bytes: base64 })
      await post(`${at}/wrap:unwrap`, { wrapped })
      await post(`${at}/${canary}.`, {})
      for (const operation of operations) {
        const { id, method, path, ifMatch } = operation
        const body = method === 'GET' ? undefined : (bodies[id] ?? {})
        const headers = {
          ...(ifMatch === undefined ? {} : { 'if-match': '*' }),
          'user-agent': canary,
          tracestate: `${canary}=1`,
        }
        await client.send({ method, path: `${pathOf(path, names)}?q=${canary}`, headers, body })
        await client.send({ method, path: pathOf(path, names), headers, body })
      }
      const seen = (): Set<unknown> => new Set(collector.spans.map(span => attributesOf(span)['warder.operation']))
      await until('every operation is told of', () => operations.every(({ id }) => seen().has(id)))
    })
    const sent = collector.bodies.join('\n')
    for (const secret of secrets) expect(sent).not.to.contain(secret)
    const used = new Set(collector.spans.flatMap(({ attributes }) => attributes.map(({ key: name }) => name)))
    expect([...attributeNames]).to.include.members([...used])
    for (const span of collector.spans) {
      expect([span.events, span.links, span.status.message], span.name).to.deep.equal([[], [], undefined])
      expect(span.name).to.match(
        /^(authenticate|authorise|storage\.call|hsm\.(call|queue|host)|journal\.append|(GET|POST|PATCH)( \/v1\/[\w/{}:.-]*)?)$/,
      )
    }
  })
})
