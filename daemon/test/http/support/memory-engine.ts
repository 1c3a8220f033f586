import { generateKeyPairSync } from 'node:crypto'
import { WarderError } from '@warder/contract'
import type {
  ApiKeyView,
  BatchItem,
  Call,
  Engine,
  Expectation,
  KeyView,
  Principal,
  SpaceView,
  StoredAnswer,
} from '@warder/core'

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
  /** Every key is of this generation. */
  generation: number
  /** Refuses introspection when false. */
  introspects: boolean
}

const recipient = generateKeyPairSync('rsa', { modulusLength: 3072 }).publicKey.export({ type: 'spki', format: 'der' })
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
export const keyId = '7d444840-9dc0-41d1-b245-5ffdce74fad2'
const key = (inSpace: string, name: string, generation: number): KeyView => ({
  id: keyId,
  space: inSpace,
  name,
  algorithm: 'P-256',
  usage: 'sign',
  custody: 'sealed',
  exportable: false,
  tags: { team: 'a' },
  description: '',
  state: 'enabled',
  destroyAt: null,
  primary: 1,
  minDecryptVersion: 1,
  minEncryptVersion: 1,
  rotation: { everyDays: 90, nextAt: at },
  versions: [
    { number: 1, state: 'active', createdAt: at, deactivatedAt: null, revocation: null },
    {
      number: 2,
      state: 'compromised',
      createdAt: at,
      deactivatedAt: at,
      revocation: { reason: 'keyCompromise', at },
    },
  ],
  generation,
  createdAt: at,
  createdBy: 'tester',
})

export function createMemoryEngine(): MemoryEngine {
  const calls: MemoryEngine['calls'] = []
  const missing: MemoryEngine['missing'] = []
  const kept = new Map<string, { digest: string; answer: Promise<StoredAnswer | undefined> }>()
  const serve = async <T>(name: string, call: Call, input: unknown, answer: T): Promise<T> => {
    // A copy: callers wipe what is secret in their input.
    calls.push({ name, call, input: structuredClone(input) })
    if (engine.instead !== undefined) return engine.instead(call)
    return answer
  }
  const view = (inSpace: string, name: string): KeyView => key(inSpace, name, engine.generation)
  const act =
    (verb: string) =>
    (call: Call, inSpace: string, name: string, expect: Expectation, input?: unknown): Promise<KeyView> => {
      if (expect !== 'any' && expect.generation !== engine.generation) {
        throw new WarderError('precondition-failed', 'the key was changed meanwhile')
      }
      return serve(`keys.${verb}`, call, { name, expect, input }, view(inSpace, name))
    }
  /** Refuses an algorithm of this name, as an engine would that does not know it. */
  const batch = async <Item extends object, T>(
    name: string,
    call: Call,
    items: readonly Item[],
    one: (item: Item) => T,
  ): Promise<readonly BatchItem<T>[]> =>
    serve(
      name,
      call,
      items,
      items.map(item =>
        'algorithm' in item && item.algorithm === 'none'
          ? { error: new WarderError('unknown-algorithm', 'there is no such algorithm') }
          : { ok: one(item) },
      ),
    )
  const engine: MemoryEngine = {
    calls,
    missing,
    instead: undefined,
    healthy: { journal: { ok: true, detail: 'writing' }, hsm: { ok: true, detail: 'token present' } },
    healthAsked: 0,
    figures: () => ({ journalWaiting: 0, caches: {} }),
    generation: 1,
    introspects: true,
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
      create: (call, inSpace, input) => serve('keys.create', call, input, view(inSpace, input.name)),
      get: (call, inSpace, name) => serve('keys.get', call, name, view(inSpace, name)),
      list: (call, inSpace, query) => serve('keys.list', call, query, { items: [view(inSpace, 'k')], next: 'cursor' }),
      version: (call, _space, _name, number) =>
        serve('keys.version', call, number, {
          number,
          state: 'active' as const,
          createdAt: at,
          deactivatedAt: null,
          revocation: null,
          algorithm: 'AES-256' as const,
          checkValue: new Uint8Array(8).fill(7),
        }),
      publicKey: (call, _space, _name, version = 1) =>
        serve('keys.publicKey', call, version, {
          spki: new Uint8Array(91).fill(7),
          algorithm: 'P-256' as const,
          version,
        }),
      edit: act('edit'),
      rotate: act('rotate'),
      rollback: act('rollback'),
      enable: act('enable'),
      disable: act('disable'),
      suspend: act('suspend'),
      resume: act('resume'),
      revoke: act('revoke'),
      destroy: act('destroy'),
      restore: act('restore'),
    },
    crypto: {
      sign: (call, _space, _name, input) =>
        serve('crypto.sign', call, input, {
          signature: Uint8Array.of(251, 255, 0),
          algorithm: 'ES256' as const,
          format: input.format ?? ('der' as const),
          version: 1,
        }),
      signBatch: (call, _space, _name, items) =>
        batch('crypto.signBatch', call, items, ({ input }) => ({
          signature: input.slice(),
          algorithm: 'EdDSA' as const,
          version: 1,
        })),
      verify: (call, _space, _name, input) =>
        serve('crypto.verify', call, input, { valid: false, algorithm: 'ES256' as const, version: 1 }),
      verifyBatch: (call, _space, _name, items) =>
        batch('crypto.verifyBatch', call, items, () => ({ valid: true, algorithm: 'ES256' as const, version: 1 })),
      encrypt: (call, _space, _name, input) =>
        serve('crypto.encrypt', call, input, {
          ciphertext: input.plaintext.slice(),
          algorithm: 'A256GCM' as const,
          version: 1,
        }),
      encryptBatch: (call, _space, _name, items) =>
        batch('crypto.encryptBatch', call, items, ({ plaintext }) => ({
          ciphertext: plaintext.slice(),
          algorithm: 'A256GCM' as const,
          version: 1,
        })),
      decrypt: (call, _space, _name, input) =>
        serve('crypto.decrypt', call, input, {
          plaintext: input.ciphertext.slice(),
          version: 1,
          compromised: true as const,
        }),
      decryptBatch: (call, _space, _name, items) =>
        batch('crypto.decryptBatch', call, items, ({ ciphertext }) => ({ plaintext: ciphertext.slice(), version: 1 })),
      mac: (call, _space, _name, input) => serve('crypto.mac', call, input, { mac: new Uint8Array(32), version: 1 }),
      macBatch: (call, _space, _name, items) =>
        batch('crypto.macBatch', call, items, () => ({ mac: new Uint8Array(32), version: 1 })),
      verifyMac: (call, _space, _name, input) => serve('crypto.verifyMac', call, input, { valid: true, version: 1 }),
      wrap: (call, _space, _name, input) =>
        serve('crypto.wrap', call, input, { wrapped: new Uint8Array(24), version: 1 }),
      unwrap: (call, _space, _name, input) =>
        serve('crypto.unwrap', call, input, { bytes: new Uint8Array(16).fill(9), version: 1 }),
      derive: (call, _space, _name, input) =>
        serve('crypto.derive', call, input, { sharedSecret: new Uint8Array(32).fill(9), version: 1 }),
      generateDataKey: (call, _space, _name, input) =>
        serve('crypto.generateDataKey', call, input, {
          plaintext: new Uint8Array(input.length).fill(9),
          ciphertext: new Uint8Array(input.length + 33),
          version: 1,
        }),
      random: (call, length) => serve('crypto.random', call, length, new Uint8Array(length).fill(9)),
    },
    transfers: {
      importKey: (call, inSpace) =>
        serve('transfers.importKey', call, inSpace, {
          id: keyId,
          spki: new Uint8Array(550).fill(7),
          oaep: 'RSA-OAEP-256' as const,
          expiresAt: at,
        }),
      importKeyMaterial: (call, inSpace, input) => serve('transfers.import', call, input, view(inSpace, input.name)),
      exportKey: (call, _space, _name, input) =>
        serve('transfers.export', call, input, {
          wrapped: new Uint8Array(300),
          oaep: 'RSA-OAEP-256' as const,
          version: 1,
        }),
    },
    rootKeys: {
      rotate: call =>
        serve('rootKeys.rotate', call, undefined, { rootKey: 2, state: 'running' as const, done: 0, of: 7 }),
      status: call => serve('rootKeys.status', call, undefined, { rootKey: 1, state: 'done' as const, done: 7, of: 7 }),
    },
    backups: {
      create: (call, software) =>
        serve('backups.create', call, software, {
          recipient,
          residentKeys: 2,
          parts: (async function* () {
            yield { part: 'store-secret' as const, oaep: 'RSA-OAEP-256' as const, bytes: new Uint8Array(384) }
          })(),
          finish: async () => undefined,
        }),
    },
    idempotency: {
      async once(_call, { route, key: name, digest, keepAnswer }, run) {
        const id = `${route} ${name}`
        const text = Buffer.from(digest).toString('hex')
        const before = kept.get(id)
        if (before !== undefined) {
          const answer = before.digest === text ? await before.answer : undefined
          if (answer === undefined) throw new WarderError('idempotency-conflict', 'this key was used before')
          return { ...answer, replayed: true }
        }
        const answer = run()
        kept.set(id, { digest: text, answer: answer.then(made => (keepAnswer ? made : undefined)) })
        return { ...(await answer), replayed: false }
      },
    },
    authorizeIntrospection: async () => {
      if (!engine.introspects) throw new WarderError('forbidden', 'this credential may not introspect')
    },
    maintain: async () => undefined,
    recordHsm: async () => undefined,
    recordCeremony: async () => true,
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
