import { permissions } from '@warder/core'
import { z } from 'zod'
import { listQuery, moment, name, page } from './fields.ts'
import { operation, pathOf } from './operation.ts'

const collection = '/v1/apiKeys'
const member = '/v1/apiKeys/{id}'

const spaces = z.union([z.literal('*'), z.array(name).min(1).max(256)])
const granted = z.array(z.enum(permissions)).min(1).max(permissions.length)

const apiKey = z.object({
  id: z.string(),
  identity: name,
  spaces,
  permissions: z.array(z.enum(permissions)),
  createdAt: moment,
  createdBy: z.string(),
  expiresAt: moment.nullable(),
  revokedAt: moment.nullable(),
})
const apiKeyList = page(apiKey)
/** `secret` is the whole key; it is answered once and kept nowhere. */
const newApiKey = z.object({ apiKey, secret: z.string() })

export const apiKeySchemas = { ApiKey: apiKey, ApiKeyList: apiKeyList, NewApiKey: newApiKey }

const createApiKey = operation({
  id: 'createApiKey',
  method: 'POST',
  path: collection,
  permission: 'admin',
  summary: 'Make an API key; its secret is shown in this answer and never again',
  request: z.strictObject({ identity: name, spaces, permissions: granted, expiresAt: moment }),
  response: newApiKey,
  status: 201,
  idempotency: 'secret',
  location: created => pathOf(member, { id: created.apiKey.id }),
  handle: (engine, call, { body }) => engine.apiKeys.create(call, body),
})

const listApiKeys = operation({
  id: 'listApiKeys',
  method: 'GET',
  path: collection,
  permission: 'admin',
  summary: 'List API keys, without their secrets',
  query: listQuery,
  response: apiKeyList,
  status: 200,
  paged: true,
  handle: (engine, call, { query }) => engine.apiKeys.list(call, query),
})

const revokeApiKey = operation({
  id: 'revokeApiKey',
  method: 'POST',
  path: `${member}:revoke`,
  permission: 'admin',
  summary: 'Revoke an API key at once; a revoked key stays revoked',
  params: z.strictObject({ id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the id of an API key') }),
  response: apiKey,
  status: 200,
  handle: (engine, call, { params }) => engine.apiKeys.revoke(call, params.id),
})

export const apiKeyOperations = [createApiKey, listApiKeys, revokeApiKey] as const
