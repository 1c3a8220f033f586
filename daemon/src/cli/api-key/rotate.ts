import type { WarderClient } from '../../client/client.ts'
import { CliError } from '../failure.ts'
import { momentOf } from '../moment.ts'
import { note } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { type ApiKey, handOut, type Made } from './view.ts'

export interface ApiKeyRotateFlags extends RemoteFlags, Made {
  readonly expires?: string
  readonly revokeOld?: boolean
}

/** Both keys work until the old one is revoked or ends, so that nothing stops while the new one is deployed. */
export async function apiKeyRotate(id: string, flags: ApiKeyRotateFlags): Promise<void> {
  const now = new Date()
  const expires = flags.expires === undefined ? undefined : momentOf(flags.expires, 'ahead', now)
  await withRemote(flags, async ({ client }) => {
    const old = await find(client, id)
    const { identity, spaces, permissions } = old
    const expiresAt = (expires ?? asLong(old, now)).toISOString()
    const body = { identity, spaces, permissions, expiresAt }
    await handOut(flags, async () => (await client.call('createApiKey', { body })).body)
    if (flags.revokeOld === true) {
      await client.call('revokeApiKey', { params: { id } })
      note(`API key ${id} is revoked`)
    } else {
      note(`API key ${id} still works: when the new one is in place, run \`warder apikey revoke ${id}\``)
    }
  })
}

async function find(client: WarderClient, id: string): Promise<ApiKey> {
  for await (const each of client.items('listApiKeys', {})) {
    if (each.id !== id) continue
    if (each.revokedAt === null) return each
    throw new CliError(`API key ${id} is revoked.`, '`warder apikey create` makes a new one')
  }
  throw new CliError(`There is no API key ${id}.`, '`warder apikey list` shows the API keys')
}

function asLong({ createdAt, expiresAt }: ApiKey, now: Date): Date {
  if (expiresAt === null)
    throw new CliError('The old API key does not end.', 'say with --expires when the new one does')
  return new Date(now.getTime() + Date.parse(expiresAt) - Date.parse(createdAt))
}
