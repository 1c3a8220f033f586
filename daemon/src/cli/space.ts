import type { Answered } from '../client/types.ts'
import { collect } from './collect.ts'
import { type Pairs, printList, printThing } from './print.ts'
import { withRemote } from './remote.ts'
import type { RemoteFlags } from './settings.ts'

export async function spaceCreate(
  name: string,
  flags: RemoteFlags & { readonly description?: string; readonly idempotencyKey?: string },
): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const { description, idempotencyKey } = flags
    const made = await client.call('createSpace', { body: { name, description } }, { idempotencyKey })
    await printThing(flags.format, made.body, spaceFields)
  })
}

export async function spaceList(flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const spaces = await collect(client.items('listSpaces', {}))
    const heading = ['NAME', 'CREATED', 'BY', 'DESCRIPTION']
    await printList(flags.format, spaces, heading, each => [
      each.name,
      each.createdAt,
      each.createdBy,
      each.description,
    ])
  })
}

export async function spaceShow(name: string, flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) => {
    const { body } = await client.call('getSpace', { params: { space: name } })
    await printThing(flags.format, body, spaceFields)
  })
}

function spaceFields(space: Answered<'getSpace'>): Pairs {
  return [
    ['name', space.name],
    ['description', space.description],
    ['created', `${space.createdAt} by ${space.createdBy}`],
  ]
}
