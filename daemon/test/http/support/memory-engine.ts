import { WarderError } from '@warder/contract'
import type { ApiKeyView, Call, Engine, KeyView, Principal, SpaceView } from '@warder/core'

/** TEST ONLY. Just enough of an engine to see what the transport does: it keeps no secrets and checks no permissions. */
export const goodKey = 'wrd_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

const principal: Principal = {
  identity: 'tester',
  credential: '0123456789abcdef',
  method: 'api-key',
  spaces: '*',
  permissions: ['admin', 'read', 'write', 'use'],
  sourceIp: '127.0.0.1',
}

export interface MemoryEngine extends Engine {
  /** Every call that reached the engine, and what came with it. */
  readonly calls: { readonly name: string; readonly call: Call; readonly input: unknown }[]
  readonly missing: { readonly sourceIp: string; readonly requestId: string }[]
  /** Runs instead of every answer when set. */
  instead: ((call: Call) => Promise<never>) | undefined
  /** What authenticate does beside its answer. */
  readonly healthy: Record<string, { ok: boolean; detail: string }>
  healthAsked: number
}

const at = '2026-01-01T00:00:00.000Z'
const space = (name: string): SpaceView => ({ name, description: '', createdAt: at, createdBy: 'tester' })
const apiKey: ApiKeyView = {
  id: '0123456789abcdef',
  identity: 'tester',
  spaces: '*',
  permissions: ['admin'],
  createdAt: at,
  createdBy: 'tester',
  expiresAt: at,
  revokedAt: null,
}
const key = (inSpace: string, name: string): KeyView => ({
  id: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
  space: inSpace,
  name,
  algorithm: 'P-256',
  custody: 'sealed',
  usages: ['sign'],
  tags: { team: 'a' },
  description: '',
  primary: 1,
  versions: [{ number: 1, state: 'active', createdAt: at }],
  generation: 1,
  createdAt: at,
  createdBy: 'tester',
})

export function createMemoryEngine(): MemoryEngine {
  const calls: MemoryEngine['calls'] = []
  const missing: MemoryEngine['missing'] = []
  const serve = async <T>(name: string, call: Call, input: unknown, answer: T): Promise<T> => {
    calls.push({ name, call, input })
    if (engine.instead !== undefined) return engine.instead(call)
    return answer
  }
  const engine: MemoryEngine = {
    calls,
    missing,
    instead: undefined,
    healthy: { journal: { ok: true, detail: 'writing' }, hsm: { ok: true, detail: 'token present' } },
    healthAsked: 0,
    spaces: {
      create: (call, input) => serve('spaces.create', call, input, space(input.name)),
      get: (call, name) => serve('spaces.get', call, name, space(name)),
      list: (call, query) =>
        serve('spaces.list', call, query, {
          items: [space('a')],
          ...(query.after === undefined ? { next: 'c+/= <>"é' } : {}),
        }),
    },
    keys: {
      create: (call, inSpace, input) => serve('keys.create', call, input, key(inSpace, input.name)),
      get: (call, inSpace, name) => serve('keys.get', call, name, key(inSpace, name)),
      list: (call, inSpace, query) => serve('keys.list', call, query, { items: [key(inSpace, 'k')], next: 'cursor' }),
      publicKey: (call, _space, _name, version = 1) =>
        serve('keys.publicKey', call, version, {
          spki: new Uint8Array(91).fill(7),
          algorithm: 'P-256' as const,
          version,
        }),
      sign: (call, _space, _name, input) =>
        serve('keys.sign', call, input, {
          signature: Uint8Array.of(251, 255, 0),
          algorithm: 'ES256' as const,
          format: input.format ?? ('der' as const),
          version: 1,
        }),
      verify: (call, _space, _name, input) =>
        serve('keys.verify', call, input, { valid: false, algorithm: 'ES256' as const, version: 1 }),
    },
    apiKeys: {
      create: (call, input) => serve('apiKeys.create', call, input, { apiKey, secret: goodKey }),
      list: (call, query) => serve('apiKeys.list', call, query, { items: [apiKey] }),
      revoke: (call, id) => serve('apiKeys.revoke', call, id, { ...apiKey, revokedAt: at }),
      authenticate: async (presented, from) => {
        if (presented !== goodKey) throw new WarderError('invalid-credentials', 'this API key is not accepted')
        return { ...principal, sourceIp: from.sourceIp }
      },
      recordMissing: async from => {
        missing.push(from)
      },
    },
    health: async () => {
      engine.healthAsked++
      return engine.healthy
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  return engine
}
