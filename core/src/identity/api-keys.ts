import { WarderError } from '@warder/contract'
import type { DenialCounter } from '../audit/denial-counter.ts'
import type { EventDraft } from '../audit/event.ts'
import type { Call, Principal } from '../call.ts'
import type { ApiKeys, CacheFigures } from '../engine-api.ts'
import { requireName } from '../names.ts'
import { type Authorize, eventOf, rootSpace } from '../policy/authorize.ts'
import { readPage } from '../records/page.ts'
import { change, type Repository } from '../records/repository.ts'
import { requireSpace } from '../spaces/service.ts'
import { issueApiKey, readApiKey } from './api-key-secret.ts'
import { hashSecret, secretMatches } from './argon2.ts'
import { apiKeys, type ApiKeyRecord, viewOf } from './collection.ts'
import type { ApiKeyView, CreateApiKey } from './model.ts'
import { VerifiedCache, type VerifiedKey } from './verified-cache.ts'

export interface ApiKeyParts {
  readonly repository: Repository
  readonly authorize: Authorize
  readonly denials: DenialCounter
  readonly checkKey: Uint8Array
  now(): Date
}

type Event = Pick<EventDraft, 'correlation' | 'actor' | 'authn'> & Partial<Pick<EventDraft, 'action'>>

export function createApiKeys({
  repository,
  authorize,
  denials,
  checkKey,
  now,
}: ApiKeyParts): ApiKeys & { figures(): CacheFigures } {
  const verified = new VerifiedCache()
  const authorizeAdmin = (call: Call, action: string): Promise<void> =>
    authorize(call, { space: rootSpace, permission: 'admin', action })
  const isCurrent = ({ apiKey, revision }: VerifiedKey): boolean =>
    repository.revision(apiKeys, apiKey.id) === revision && apiKey.revokedAt === null && !isExpired(apiKey, now())

  /** The record behind a presented key when it matches and may be used. */
  async function verify(presented: string, signal: AbortSignal): Promise<VerifiedKey | undefined> {
    const key = readApiKey(checkKey, presented)
    if (key === undefined || !repository.has(apiKeys, key.id)) return undefined
    try {
      const { value, revision } = await repository.require(apiKeys, key.id, { signal })
      const apiKey = viewOf(value)
      if (apiKey.revokedAt !== null || isExpired(apiKey, now())) return undefined
      return (await secretMatches(value.hash, key.secret)) ? { apiKey, revision } : undefined
    } finally {
      key.secret.fill(0)
    }
  }

  return {
    async create(call, input) {
      await authorizeAdmin(call, 'api-key:create')
      requireName('identity', input.identity)
      if (input.spaces !== '*') for (const space of input.spaces) requireSpace(repository, space)
      if (!(Date.parse(input.expiresAt) > now().getTime())) {
        throw new WarderError('malformed-request', 'expiresAt must be a time to come.', {
          facts: { field: 'expiresAt' },
        })
      }
      return issue({ repository, checkKey, now, createdBy: call.principal.identity }, input, eventOf(call), call)
    },

    async list(call, query) {
      await authorizeAdmin(call, 'api-key:list')
      return readPage(repository, apiKeys, { ...query, prefix: '' }, call, ({ value }) => viewOf(value))
    },

    async revoke(call, id) {
      await authorizeAdmin(call, 'api-key:revoke')
      return repository.exclusive(apiKeys, id, async () => {
        const found = await repository.read(apiKeys, id, call)
        if (found === undefined) throw new WarderError('api-key-not-found', 'There is no such API key.')
        if (found.value.revokedAt !== null) return viewOf(found.value)
        const record: ApiKeyRecord = { ...found.value, revokedAt: now().toISOString() }
        const subject = { credential: id, identity: record.identity }
        const draft = {
          ...eventOf(call),
          type: 'configuration',
          action: 'api-key:revoke',
          subject,
          result: 'ok',
        } as const
        await repository.write(draft, [change(apiKeys, id, found.revision, record)], call)
        return viewOf(record)
      })
    },

    async authenticate(presented, { sourceIp, signal }) {
      const found = await verified.get(presented, isCurrent, () => verify(presented, signal))
      if (found === undefined) {
        await denials.record('invalid-credentials', sourceIp)
        throw new WarderError('invalid-credentials', 'This API key is not accepted.')
      }
      const { id, identity, spaces, permissions } = found.apiKey
      return { identity, credential: id, method: 'api-key', spaces, permissions, sourceIp } satisfies Principal
    },

    recordMissing: ({ sourceIp }) => denials.record('missing-credentials', sourceIp),

    figures: () => verified.figures(),
  }
}

/** Makes, stores and journals an API key. Also used for an administrator, at first run and when no key is left; that key is made before. */
export async function issue(
  parts: { repository: Repository; checkKey: Uint8Array; now(): Date; createdBy: string },
  input: CreateApiKey,
  event: Event,
  op: { readonly signal: AbortSignal },
  { id, secret, presented }: ReturnType<typeof issueApiKey> = issueApiKey(parts.checkKey),
): Promise<{ apiKey: ApiKeyView; secret: string }> {
  const hash = await hashSecret(secret)
  secret.fill(0)
  const record: ApiKeyRecord = {
    id,
    ...input,
    createdAt: parts.now().toISOString(),
    createdBy: parts.createdBy,
    revokedAt: null,
    hash,
  }
  const subject = { credential: id, ...input }
  const draft: EventDraft = { action: 'api-key:create', ...event, type: 'configuration', subject, result: 'ok' }
  await parts.repository.write(draft, [change(apiKeys, id, 'absent', record)], op)
  return { apiKey: viewOf(record), secret: presented }
}

const isExpired = ({ expiresAt }: ApiKeyView, now: Date): boolean =>
  expiresAt !== null && Date.parse(expiresAt) <= now.getTime()
