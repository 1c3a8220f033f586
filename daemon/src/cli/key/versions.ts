import { printList } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'

export async function keyVersions(key: string, flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const { body } = await client.call('getKey', { params: { space, key } })
    const heading = ['VERSION', 'STATE', 'CREATED', 'DEACTIVATED', 'REVOKED']
    await printList(flags.format, body.versions, heading, ({ number, state, createdAt, deactivatedAt, revocation }) => [
      number === body.primary ? `${number} (primary)` : String(number),
      state,
      createdAt,
      deactivatedAt ?? '',
      revocation === null ? '' : `${revocation.reason} ${revocation.at}`,
    ])
  })
}
