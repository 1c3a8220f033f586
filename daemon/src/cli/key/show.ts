import { printThing } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { keyFields } from './view.ts'

export async function keyShow(key: string, flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const { body } = await client.call('getKey', { params: { space, key } })
    await printThing(flags.format, body, keyFields)
  })
}
