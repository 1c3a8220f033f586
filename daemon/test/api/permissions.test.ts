import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { expect } from 'chai'
import { permissions, type Call, type Permission } from '@warder/core'
import { operations } from '../../src/api/operations.ts'
import { pathOf, type Operation } from '../../src/api/operation.ts'
import { bodies } from '../http/support/bodies.ts'
import { startRealAppliance, type RealAppliance } from './support/real-appliance.ts'

const names = { space: 'default', key: 'nobody', id: '0123456789abcdef', version: '1' }

describe('every operation asks for the permission it states', () => {
  let appliance: RealAppliance
  let agent: Agent
  const credentials = new Map<string, string>()

  before(async function () {
    this.timeout(60_000)
    appliance = await startRealAppliance()
    agent = new Agent({ ca: await readFile(appliance.ca), keepAlive: true })
    for (const permission of permissions) {
      credentials.set(`only ${permission}`, await issue([permission]))
      credentials.set(`all but ${permission}`, await issue(permissions.filter(each => each !== permission)))
    }
  })
  after(async () => {
    agent?.destroy()
    await appliance?.[Symbol.asyncDispose]()
  })

  async function issue(granted: readonly Permission[]): Promise<string> {
    const call: Call = {
      principal: {
        identity: 'tester',
        credential: 'test',
        method: 'api-key',
        spaces: '*',
        permissions,
        sourceIp: '127.0.0.1',
      },
      requestId: 'test',
      signal: new AbortController().signal,
    }
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const input = { identity: 'tester', spaces: '*', permissions: granted, expiresAt } as const
    return (await appliance.engine.apiKeys.create(call, input)).secret
  }

  function send(operation: Pick<Operation, 'id' | 'method' | 'ifMatch'>, path: string, credential: string) {
    const body = bodies[operation.id]
    const headers = {
      authorization: `Bearer ${credentials.get(credential)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(operation.ifMatch === undefined ? {} : { 'if-match': '*' }),
    }
    return new Promise<{ status: number; answer: Record<string, unknown> }>((resolve, reject) => {
      request(appliance.url + path, { method: operation.method, agent, headers }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            answer: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
          }),
        )
      })
        .once('error', reject)
        .end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  for (const operation of operations) {
    // Whoever may do nothing sees an empty list: it is of the spaces a credential has.
    if (operation.id === 'listSpaces') continue

    it(`${operation.id}: ${operation.permission}`, async () => {
      const path = pathOf(operation.path, names)
      const without = await send(operation, path, `all but ${operation.permission}`)
      expect(without.status, JSON.stringify(without.answer)).to.equal(403)
      expect(without.answer).to.include({ code: 'forbidden', permission: operation.permission })
      const having = await send(operation, path, `only ${operation.permission}`)
      expect(having.status, JSON.stringify(having.answer)).to.not.be.oneOf([401, 403, 500])
    })
  }

  it('metrics and health: introspect', async () => {
    for (const path of ['/metrics', '/healthz']) {
      const get = { id: '', method: 'GET' } as const
      expect((await send(get, path, 'all but introspect')).status, path).to.equal(403)
      expect((await send(get, path, 'only introspect')).status, path).to.equal(200)
    }
  })
})
