import { z } from 'zod'
import { permissions } from '../call.ts'
import type { Collection } from '../records/repository.ts'
import type { ApiKeyView } from './model.ts'

export interface ApiKeyRecord extends ApiKeyView {
  /** Argon2id (RFC 9106) of the secret, PHC string. */
  readonly hash: string
}

export const apiKeys: Collection<ApiKeyRecord> = {
  name: 'api-keys',
  schema: z.strictObject({
    id: z.string(),
    identity: z.string(),
    spaces: z.union([z.literal('*'), z.array(z.string())]),
    permissions: z.array(z.enum(permissions)),
    createdAt: z.string(),
    createdBy: z.string(),
    expiresAt: z.string().nullable(),
    revokedAt: z.string().nullable(),
    hash: z.string(),
  }),
  attributes: () => ({}),
}

export function viewOf({ hash: _, ...view }: ApiKeyRecord): ApiKeyView {
  return view
}
