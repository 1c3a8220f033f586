import { randomUUID } from 'node:crypto'
import { WarderError } from '@warder/contract'
import { type Call, type Engine, permissions } from '@warder/core'
import { allOf, type Subject } from './subject.ts'

const { signal } = new AbortController()

/** The engine, called as a listener would call it for an administrator. */
export function engineSubject(engine: Engine): Subject {
  const call = (requestId = randomUUID() as string): Call => ({
    principal: {
      identity: 'drill',
      credential: 'drill',
      method: 'api-key',
      spaces: '*',
      permissions,
      sourceIp: '127.0.0.1',
    },
    requestId,
    signal,
  })
  return {
    createSpace: async name => void (await engine.spaces.create(call(), { name })),
    createKey: (space, name, custody) => engine.keys.create(call(), space, { name, algorithm: 'P-256', custody }),
    key: (space, name) => engine.keys.get(call(), space, name),
    publicKey: async (space, name) => (await engine.keys.publicKey(call(), space, name)).spki,
    async sign(space, name, message) {
      const request = randomUUID()
      const { signature } = await engine.crypto.sign(call(request), space, name, { input: message, format: 'der' })
      return { signature, request }
    },
    async issue() {
      const input = {
        identity: 'service',
        spaces: '*',
        permissions: ['read'],
        expiresAt: '2999-01-01T00:00:00Z',
      } as const
      const { apiKey, secret } = await engine.apiKeys.create(call(), input)
      return { id: apiKey.id, secret }
    },
    revoke: async id => String((await engine.apiKeys.revoke(call(), id)).revokedAt),
    async accepts(secret) {
      try {
        await engine.apiKeys.authenticate(secret, { sourceIp: '127.0.0.1', requestId: randomUUID(), signal })
        return true
      } catch (error) {
        if (WarderError.is(error, 'invalid-credentials')) return false
        throw error
      }
    },
    spaces: async () =>
      (await allOf(after => engine.spaces.list(call(), { limit: 1000, after }))).map(({ name }) => name),
    keys: space => allOf(after => engine.keys.list(call(), space, { limit: 1000, after })),
    apiKeys: () => allOf(after => engine.apiKeys.list(call(), { limit: 1000, after })),
  }
}
