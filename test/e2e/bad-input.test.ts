import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { WarderCode } from '@warder/contract'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { Client, ProblemBody, Reply, Sending } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { until } from '../support/until.ts'

interface Issued {
  readonly apiKey: { readonly id: string }
  readonly secret: string
}

/** Stands in every bad input, and must be found nowhere afterwards. */
const marker = `zq${randomBytes(8).toString('hex')}`
const input = Buffer.from('a message').toString('base64')

const create = (body: unknown): Sending => ({ method: 'POST', path: '/v1/spaces/mine/keys', body })
const sign = (body: unknown, key = 'k'): Sending => ({ method: 'POST', path: `/v1/spaces/mine/keys/${key}:sign`, body })
const get = (path: string): Sending => ({ path })

describe('bad input to an appliance', function () {
  this.timeout(30_000)
  let appliance: Appliance
  /** May do everything in the spaces `mine` and `root`, and nothing elsewhere. */
  let tenant: Client

  before(async () => {
    appliance = await startAppliance()
    await withoutMechanism(appliance, 'CKM_EDDSA')
    for (const space of ['mine', 'theirs']) {
      await appliance.admin.post('/v1/spaces', { name: space })
      await appliance.admin.post(`/v1/spaces/${space}/keys`, {
        name: space === 'mine' ? 'k' : 'secret',
        algorithm: 'P-256',
      })
    }
    tenant = await appliance.client((await issue({ spaces: ['mine', 'root'] })).secret)
  })
  after(() => appliance[Symbol.asyncDispose]())

  const issue = (options: { spaces?: readonly string[]; expiresAt?: string } = {}): Promise<Issued> =>
    appliance.admin.post('/v1/apiKeys', {
      identity: 'tenant',
      spaces: ['mine'],
      permissions: ['read', 'use', 'write', 'admin'],
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      ...options,
    })

  const table: readonly (readonly [string, Sending, number, WarderCode])[] = [
    ['an unknown key algorithm', create({ name: 'x', algorithm: marker }), 400, 'unknown-algorithm'],
    ['an unknown signature algorithm', sign({ input, algorithm: marker }), 400, 'unknown-algorithm'],
    [
      'an algorithm named like a property of every object',
      sign({ input, algorithm: '__proto__' }),
      400,
      'unknown-algorithm',
    ],
    ['a signature algorithm of another kind of key', sign({ input, algorithm: 'RS256' }), 400, 'algorithm-mismatch'],
    [
      'a mechanism that the token lacks',
      create({ name: 'x', algorithm: 'Ed25519', custody: 'resident', description: marker }),
      422,
      'unsupported-mechanism',
    ],
    [
      'a custody that the token lacks for it',
      create({ name: 'x', algorithm: 'Ed25519', custody: 'sealed' }),
      422,
      'unsupported-mechanism',
    ],
    ['an unknown custody', create({ name: 'x', algorithm: 'P-256', custody: marker }), 400, 'malformed-request'],
    ['base64 with characters of neither alphabet', sign({ input: `${marker}!` }), 400, 'malformed-base64'],
    ['base64 of both alphabets', sign({ input: '-_+/' }), 400, 'malformed-base64'],
    ['base64 with white space', sign({ input: `${input}\n` }), 400, 'malformed-base64'],
    ['base64 with bits left over', sign({ input: 'AB==' }), 400, 'malformed-base64'],
    [
      'a signature that is not base64',
      { method: 'POST', path: '/v1/spaces/mine/keys/k:verify', body: { input, signature: `${marker}*` } },
      400,
      'malformed-base64',
    ],
    ['an unknown field', sign({ input, [marker]: 1 }), 400, 'unknown-field'],
    [
      'an unknown field of a new key',
      create({ name: 'x', algorithm: 'P-256', [marker]: marker }),
      400,
      'unknown-field',
    ],
    ['an unknown query parameter', get(`/v1/spaces/mine/keys?${marker}=1`), 400, 'unknown-field'],
    ['__proto__ as a field', sign(`{"input":"${input}","__proto__":{"${marker}":1}}`), 400, 'forbidden-field'],
    ['__proto__ written with escapes', sign(`{"input":"${input}","\\u005f_proto__":1}`), 400, 'forbidden-field'],
    [
      '__proto__ below another field',
      create(`{"name":"x","algorithm":"P-256","tags":{"__proto__":"${marker}"}}`),
      400,
      'forbidden-field',
    ],
    ['constructor.prototype', sign(`{"input":"${input}","constructor":{"prototype":{}}}`), 400, 'forbidden-field'],
    ['__proto__ as a query parameter', get('/v1/spaces/mine/keys?__proto__=1'), 400, 'unknown-field'],
    ['a body of a megabyte', sign(`{"input":"${marker}${'A'.repeat(1 << 20)}"}`), 413, 'body-too-large'],
    ['a body nested without end', sign(`${'['.repeat(5000)}${marker}`), 400, 'too-complex'],
    ['a body of a hundred thousand members', sign(`{${'"a":1,'.repeat(30_000)}"b":1}`), 400, 'too-complex'],
    ['no JSON', sign(`{"input": ${marker}`), 400, 'malformed-request'],
    ['JSON that is no object', sign(JSON.stringify(marker)), 400, 'malformed-request'],
    ['a body that is not UTF-8', sign(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, 'malformed-request'],
    ['an empty body', sign(''), 400, 'malformed-request'],
    ['no input', sign({}), 400, 'malformed-request'],
    ['input that is no text', sign({ input: [marker] }), 400, 'malformed-request'],
    ['a digest of the wrong length', sign({ input, prehashed: true }), 400, 'malformed-request'],
    ['a format that is none', sign({ input, format: marker }), 400, 'malformed-request'],
    ['version 0', sign({ input, version: 0 }), 400, 'malformed-request'],
    ['a version that is not there', sign({ input, version: 4_000_000_000 }), 404, 'version-not-found'],
    ['a key name in capitals', create({ name: marker.toUpperCase(), algorithm: 'P-256' }), 400, 'malformed-request'],
    ['a key name that is a path', create({ name: `../${marker}`, algorithm: 'P-256' }), 400, 'malformed-request'],
    ['a key name that is taken', create({ name: 'k', algorithm: 'P-256', description: marker }), 409, 'key-exists'],
    [
      'a description with a control character',
      create({ name: 'x', algorithm: 'P-256', description: `${marker}\u0007` }),
      400,
      'malformed-request',
    ],
    [
      'tags that are too many',
      create({
        name: 'x',
        algorithm: 'P-256',
        tags: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`t${n}`, marker])),
      }),
      400,
      'malformed-request',
    ],
    ['a limit out of range', get('/v1/spaces/mine/keys?limit=100000'), 400, 'malformed-request'],
    ['a cursor that was made up', get(`/v1/spaces/mine/keys?after=${marker}`), 400, 'malformed-request'],
    ['a parameter given twice', get('/v1/spaces/mine/keys?limit=1&limit=2'), 400, 'malformed-request'],
    [
      'another media type',
      { ...sign(`input=${marker}`), headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported-media-type',
    ],
    ['a compressed body', { ...sign('{}'), headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported-media-type'],
    ['a key that is not there', sign({ input }, marker), 404, 'key-not-found'],
    ['another tenant’s key by name, in the caller’s own space', sign({ input }, 'secret'), 404, 'key-not-found'],
    [
      'another tenant’s key in its space',
      { method: 'POST', path: '/v1/spaces/theirs/keys/secret:sign', body: { input } },
      403,
      'forbidden',
    ],
    [
      'another tenant’s key by a path that climbs',
      get('/v1/spaces/mine/keys/..%2f..%2ftheirs%2fkeys%2fsecret'),
      400,
      'malformed-request',
    ],
    ['a foreign space', get('/v1/spaces/theirs/keys'), 403, 'forbidden'],
    ['a space that is not there, asked by one who may not know', get('/v1/spaces/nowhere/keys'), 403, 'forbidden'],
    [
      'an API key for a space that is not there',
      {
        method: 'POST',
        path: '/v1/apiKeys',
        body: { identity: 'x', spaces: ['nowhere'], permissions: ['read'], expiresAt: '2999-01-01T00:00:00Z' },
      },
      404,
      'space-not-found',
    ],
    [
      'an API key that has expired when made',
      {
        method: 'POST',
        path: '/v1/apiKeys',
        body: { identity: 'x', spaces: ['mine'], permissions: ['read'], expiresAt: '2020-01-01T00:00:00Z' },
      },
      400,
      'malformed-request',
    ],
    [
      'an API key that may do nothing',
      {
        method: 'POST',
        path: '/v1/apiKeys',
        body: { identity: 'x', spaces: ['mine'], permissions: [], expiresAt: '2999-01-01T00:00:00Z' },
      },
      400,
      'malformed-request',
    ],
    ['a route that is not there', get(`/v1/${marker}`), 404, 'route-not-found'],
    [
      'an action that is not there',
      { method: 'POST', path: '/v1/spaces/mine/keys/k:explode', body: { input: marker } },
      404,
      'route-not-found',
    ],
    ['a method that the route does not take', get('/v1/spaces/mine/keys/k:sign'), 405, 'method-not-allowed'],
  ]

  for (const [what, sending, status, code] of table)
    it(`${what} is ${status} ${code}`, async () => {
      expectUnheard(await tenant.send(sending), status, code)
    })

  it('a missing space is 404 space-not-found to those who may know', async () => {
    expectUnheard(await appliance.admin.send(get('/v1/spaces/nowhere/keys')), 404, 'space-not-found')
    expectUnheard(await appliance.admin.send(get('/v1/spaces/nowhere/keys/k')), 404, 'space-not-found')
  })

  it('no credentials, or those of another scheme, are 401 missing-credentials', async () => {
    const stranger = await appliance.client()
    expectUnheard(await stranger.send(sign({ input: marker })), 401, 'missing-credentials')
    for (const authorization of [`Basic ${marker}`, 'Bearer', `Bearer ${marker} ${marker}`, marker])
      expectUnheard(await stranger.send({ ...sign({ input }), headers: { authorization } }), 401, 'missing-credentials')
  })

  it('wrong, expired and revoked credentials are 401 invalid-credentials, and cannot be told apart', async () => {
    const valid = await issue()
    const revoked = await issue()
    await appliance.admin.post(`/v1/apiKeys/${revoked.apiKey.id}:revoke`)
    const expired = await issue({ expiresAt: new Date(Date.now() + 1000).toISOString() })
    const last = await appliance.client(expired.secret)
    await until('its expiry', async () => (await last.send(get('/v1/spaces/mine/keys'))).status !== 200)

    const presented = {
      'no key at all': marker,
      'a key of our form, made up': `wrd_${randomBytes(8).toString('hex')}_${randomBytes(40).toString('base64url')}`,
      'one digit changed': valid.secret.slice(0, -1) + (valid.secret.endsWith('A') ? 'B' : 'A'),
      'the id of one and the secret of another': `${valid.secret.slice(0, 21)}${revoked.secret.slice(21)}`,
      'in capitals': valid.secret.toUpperCase(),
      revoked: revoked.secret,
      expired: expired.secret,
    }
    const details = new Set<string>()
    for (const [what, secret] of Object.entries(presented)) {
      const reply = await (await appliance.client(secret)).send(sign({ input }))
      expectUnheard(reply, 401, 'invalid-credentials')
      expect(reply.text, what).to.not.include(secret)
      details.add(reply.body.detail)
    }
    expect(details.size).to.equal(1)
    expect((await (await appliance.client(valid.secret)).send(get('/v1/spaces/mine/keys'))).status).to.equal(200)
  })

  it('refusals that a caller must tell apart have codes of their own', () => {
    const named = [
      'unknown-algorithm',
      'unsupported-mechanism',
      'malformed-base64',
      'unknown-field',
      'forbidden-field',
      'body-too-large',
      'forbidden',
      'space-not-found',
      'key-not-found',
    ]
    expect(new Set(table.map(([, , , code]) => code))).to.include.all.keys(...named)
  })

  it('the appliance goes on after all of that, and none of the input is in its log or journal', async () => {
    expect((await appliance.admin.send({ path: '/readyz' })).status).to.equal(200)
    expect((await tenant.send(sign({ input }))).status).to.equal(200)
    for (const [where, text] of [
      ['log', appliance.logged],
      ['journal', await appliance.journal()],
    ] as const)
      expect(text.toLowerCase().includes(marker), where).to.equal(false)
    // Of the appliance itself: a host that is slow on a busy machine is another matter.
    const troubles = appliance.logged.split('\n').filter(line => /"level":"(?:warn|error)"/.test(line))
    expect(troubles.filter(line => !/"host":\d/.test(line))).to.deep.equal([])
  })

  function expectUnheard(reply: Reply<ProblemBody>, status: number, code: WarderCode): void {
    expectProblem(reply, status, code)
    expect(reply.body.retryable).to.equal(false)
    expect(reply.text.toLowerCase()).to.not.include(marker)
    expect(JSON.stringify(reply.headers).toLowerCase()).to.not.include(marker)
  }
})

/** Starts it again on a token that does not offer this mechanism (softhsm2.conf(5), slots.mechanisms). */
async function withoutMechanism(appliance: Appliance, mechanism: string): Promise<void> {
  await appliance.stop()
  const file = join(appliance.dir, 'hsm', 'softhsm2.conf')
  // SoftHSM 2.6.1 passes over the first name after the minus sign.
  const conf = (await readFile(file, 'utf8')).replace('slots.mechanisms = ALL', `slots.mechanisms = -,${mechanism}`)
  expect(conf).to.include(mechanism)
  await writeFile(file, conf)
  await appliance.start()
}
