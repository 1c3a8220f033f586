import { printThing } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { apiKeyFields } from './view.ts'

export async function apiKeyRevoke(id: string, flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const { body } = await client.call('revokeApiKey', { params: { id } })
    await printThing(flags.format, body, apiKeyFields)
  })
}
