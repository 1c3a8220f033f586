import { collect } from '../collect.ts'
import { printList } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { spacesOf } from './view.ts'

export async function apiKeyList(flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const keys = await collect(client.items('listApiKeys', {}))
    const heading = ['ID', 'IDENTITY', 'SPACES', 'PERMISSIONS', 'EXPIRES', 'REVOKED']
    await printList(flags.format, keys, heading, key => [
      key.id,
      key.identity,
      spacesOf(key),
      key.permissions.join(','),
      key.expiresAt ?? 'never',
      key.revokedAt ?? '',
    ])
  })
}
