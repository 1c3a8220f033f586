import type { Asked } from '../../client/types.ts'
import { momentOf } from '../moment.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { handOut, type Made } from './view.ts'

export interface ApiKeyCreateFlags extends RemoteFlags, Made {
  readonly identity: string
  readonly spaces: readonly string[]
  /** The appliance judges them. */
  readonly permissions: Asked<'createApiKey'>['body']['permissions']
  readonly expires: string
}

/** The key goes to stdout or its file, and what is said about it to stderr. */
export async function apiKeyCreate(flags: ApiKeyCreateFlags): Promise<void> {
  const expiresAt = momentOf(flags.expires, 'ahead', new Date()).toISOString()
  const spaces = flags.spaces.includes('*') ? ('*' as const) : flags.spaces
  const { identity, permissions } = flags
  await withRemote(flags, async ({ client }) => {
    const body = { identity, spaces, permissions, expiresAt }
    await handOut(flags, async () => (await client.call('createApiKey', { body })).body)
  })
}
