import { expect } from 'chai'
import { batchBodyLimits, bodyLimits } from '../../src/http/body.ts'
import { startAppliance, type Appliance, type Reply } from './support/appliance.ts'

describe('bodies', () => {
  let appliance: Appliance
  before(async () => {
    appliance = await startAppliance()
  })
  after(() => appliance[Symbol.asyncDispose]())

  const path = '/v1/spaces/a/keys/k:sign'
  const raw = (body: string | Uint8Array, headers: Record<string, string> = {}, chunked = false): Promise<Reply> =>
    appliance.send({ method: 'POST', path, body, headers, chunked })

  const canary = 'cAnArYcAnArY'

  async function refused(reply: Reply, status: number, code: string): Promise<void> {
    expect(reply.status, reply.text).to.equal(status)
    expect(reply.json()).to.include({ code, type: `urn:warder:problem:${code}` })
    expect(reply.headers['content-type']).to.equal('application/problem+json')
    expect(reply.text + appliance.logged()).to.not.include(canary)
  }

  it('of another media type are refused', async () => {
    for (const type of [
      'text/plain',
      'application/jsonx',
      'application/json; charset=latin1',
      'application/x-www-form-urlencoded',
      '',
    ]) {
      await refused(await raw('{"input":""}', { 'content-type': type }), 415, 'unsupported-media-type')
    }
    await refused(await raw('{"input":""}', { 'content-encoding': 'gzip' }), 415, 'unsupported-media-type')
    for (const type of ['Application/JSON', 'application/json;charset=UTF-8', 'application/json; charset="utf-8"']) {
      expect((await raw('{"input":""}', { 'content-type': type })).status).to.equal(200)
    }
  })

  it('that are too large are refused, with a length and without one, and the connection lives', async () => {
    const space = '/v1/spaces'
    const send = (body: string, chunked = false): Promise<Reply> =>
      appliance.send({ method: 'POST', path: space, body, chunked })
    const large = JSON.stringify({ name: canary.repeat(40_000) })
    await refused(await send(large), 413, 'body-too-large')
    await refused(await send(large, true), 413, 'body-too-large')
    const fits = `{"name":"a"${' '.repeat(bodyLimits.bytes - '{"name":"a"}'.length)}}`
    expect((await send(fits)).status).to.equal(201)
    await refused(await send(`${fits} `), 413, 'body-too-large')
  })

  it('of operations that take batches may be larger, and one input no longer than 64 KiB', async () => {
    const input = Buffer.alloc(65_536, 7).toString('base64')
    expect((await appliance.post(path, { input })).status).to.equal(200)
    for (const longer of [65_537, 65_540, 300_000]) {
      const reply = await appliance.post(path, { input: Buffer.alloc(longer, 7).toString('base64') })
      await refused(reply, 413, 'body-too-large')
      expect(reply.json()).to.include({ field: 'input', limit: 65_536 })
    }
    const items = Array.from({ length: 23 }, () => ({ input }))
    const fits = JSON.stringify({ items })
    expect(fits.length).to.be.within(bodyLimits.bytes, batchBodyLimits.bytes)
    expect((await raw(fits)).json()['items']).to.have.length(23)
    await refused(await raw(fits.padEnd(batchBodyLimits.bytes + 1)), 413, 'body-too-large')
  })

  it('that are too deep or of too many parts are refused', async () => {
    await refused(await raw('['.repeat(33)), 400, 'too-complex')
    await refused(await raw('{"a":'.repeat(100)), 400, 'too-complex')
    const many = Object.fromEntries(Array.from({ length: 6002 }, (_, at) => [`${canary}${at}`, 1]))
    await refused(await raw(JSON.stringify(many)), 400, 'too-complex')
    const fewer = JSON.stringify(Object.fromEntries(Object.entries(many).slice(0, 1001)))
    await refused(await appliance.send({ method: 'POST', path: '/v1/spaces', body: fewer }), 400, 'too-complex')
    await refused(await raw(`[${'0,'.repeat(20_000)}0]`), 400, 'too-complex')
    await refused(await raw(`{"${canary.repeat(30)}":1}`), 400, 'too-complex')
  })

  it('that are not JSON or not UTF-8 are refused', async () => {
    const bad = [
      '',
      '{',
      `{"${canary}"`,
      `{"input":"${canary}"`,
      canary,
      '{"input":""}}',
      "{'input':''}",
      '\ufeff{}',
      '{"a":\u0000}',
    ]
    for (const body of bad) await refused(await raw(body), 400, 'malformed-request')
    await refused(await raw(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, 'malformed-request')
    await refused(await raw(Buffer.from('{"input":"\ud800"}', 'utf16le')), 400, 'malformed-request')
    for (const body of ['null', '7', '"x"', '[]', 'true']) await refused(await raw(body), 400, 'malformed-request')
  })

  it('with a name that could reach a prototype are refused, however it is written and wherever it stands', async () => {
    for (const body of [
      '{"input":"","__proto__":{"x":1}}',
      '{"input":"","__proto__":null}',
      '{"input":"","\\u005f_proto__":1}',
      '{"a":[{"b":{"__proto__":1}}]}',
      '{"constructor":{"prototype":{}}}',
      '{"tags":{"constructor":{"prototype":1}}}',
    ]) {
      await refused(await raw(body), 400, 'forbidden-field')
    }
    expect(({} as Record<string, unknown>)['x']).to.equal(undefined)
  })

  it('with an unknown field are refused, and told which there are, without repeating what was sent', async () => {
    const reply = await appliance.post(path, { input: '', [canary]: 1 })
    await refused(reply, 400, 'unknown-field')
    expect(reply.json()).to.deep.include({
      field: 'body',
      allowed: ['algorithm', 'input', 'prehashed', 'format', 'version'],
    })
  })

  it('with malformed base64 are refused, and told where', async () => {
    for (const input of ['a', 'aGk==', 'a=Gk', ' aGk=', 'aGk=\n', 'aGl', '+/-_', 'äöü', canary + '!', '=', '====']) {
      const reply = await appliance.post(path, { input })
      await refused(reply, 400, 'malformed-base64')
      expect(reply.json()).to.include({ field: 'input' })
    }
    const verify = await appliance.post('/v1/spaces/a/keys/k:verify', { input: '', signature: `${canary}?` })
    await refused(verify, 400, 'malformed-base64')
    expect(verify.json()).to.include({ field: 'signature' })
  })

  it('with any other wrong value are refused, and told where', async () => {
    const cases: readonly (readonly [string, unknown, string])[] = [
      [path, {}, 'input'],
      [path, { input: 7 }, 'input'],
      [path, { input: '', format: canary }, 'format'],
      [path, { input: '', version: 1.5 }, 'version'],
      [path, { input: '', version: '1' }, 'version'],
      [path, { input: '', prehashed: 'true' }, 'prehashed'],
      [path, { input: '', algorithm: canary.repeat(20) }, 'algorithm'],
      [path, { input: '', algorithm: 'a\u0007' }, 'algorithm'],
      ['/v1/spaces', { name: canary }, 'name'],
      ['/v1/spaces', { name: 'a', description: 'half \ud800 a pair' }, 'description'],
      ['/v1/spaces', { name: 'a', description: 'x'.repeat(1025) }, 'description'],
      ['/v1/spaces/a/keys', { name: 'k', algorithm: 'P-256', custody: canary }, 'custody'],
      ['/v1/spaces/a/keys', { name: 'k', algorithm: 'P-256', tags: { [`${canary}!`]: 'x' } }, 'tags'],
      ['/v1/spaces/a/keys', { name: 'k', algorithm: 'P-256', tags: { a: canary.repeat(30) } }, 'tags'],
      [
        '/v1/spaces/a/keys',
        {
          name: 'k',
          algorithm: 'P-256',
          tags: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`t${at}`, ''])),
        },
        'tags',
      ],
      ['/v1/apiKeys', { identity: 'a', spaces: [], permissions: ['use'], expiresAt: '2030-01-01T00:00:00Z' }, 'spaces'],
      [
        '/v1/apiKeys',
        { identity: 'a', spaces: '*', permissions: [canary], expiresAt: '2030-01-01T00:00:00Z' },
        'permissions.0',
      ],
      ['/v1/apiKeys', { identity: 'a', spaces: '*', permissions: ['use'], expiresAt: canary }, 'expiresAt'],
      ['/v1/apiKeys', { identity: 'a', spaces: '*', permissions: ['use'] }, 'expiresAt'],
    ]
    for (const [to, body, field] of cases) {
      const reply = await appliance.post(to, body)
      await refused(reply, 400, 'malformed-request')
      expect(reply.json(), JSON.stringify(body)).to.include({ field })
    }
  })
})
