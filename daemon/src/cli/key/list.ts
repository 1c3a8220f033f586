import type { Asked } from '../../client/types.ts'
import { collect } from '../collect.ts'
import { printList } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { tagsOf } from './view.ts'

type Filters = Omit<NonNullable<Asked<'listKeys'>['query']>, 'limit' | 'after'>

export async function keyList(flags: RemoteFlags & Filters & { readonly limit?: number }): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const { state, algorithm, custody, tag, prefix, limit } = flags
    const query = { state, algorithm, custody, tag, prefix }
    const keys = await collect(client.items('listKeys', { params: { space }, query }, limit))
    const heading = ['NAME', 'ALGORITHM', 'USAGE', 'CUSTODY', 'STATE', 'VERSION', 'TAGS']
    await printList(flags.format, keys, heading, key => [
      key.name,
      key.algorithm,
      key.usage,
      key.custody,
      key.state,
      String(key.primary),
      tagsOf(key),
    ])
  })
}
