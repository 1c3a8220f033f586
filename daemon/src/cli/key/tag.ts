import { CliError } from '../failure.ts'
import { type Pairs, printThing } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'

export interface KeyTagFlags extends RemoteFlags {
  readonly remove?: readonly string[]
}

type Tags = Readonly<Record<string, string>>

/** Tags are replaced as a whole, so this reads them first, and is refused when somebody changed the key in between. */
export async function keyTag(key: string, given: readonly string[], flags: KeyTagFlags): Promise<void> {
  const remove = flags.remove ?? []
  const set = given.map(pairOf)
  await withRemote(flags, async ({ client, space }) => {
    const params = { space, key }
    const found = await client.call('getKey', { params })
    if (set.length === 0 && remove.length === 0) return printThing(flags.format, found.body.tags, pairsOf)
    const tags = changed(found.body.tags, set, remove)
    const { body } = await client.call('editKey', { params, body: { tags } }, { ifMatch: found.etag })
    await printThing(flags.format, body.tags, pairsOf)
  })
}

function changed(tags: Tags, set: readonly (readonly [string, string])[], remove: readonly string[]): Tags {
  const kept = Object.entries(tags).filter(([name]) => !remove.includes(name))
  return Object.fromEntries([...kept, ...set])
}

function pairOf(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError(`${text} is no tag.`, 'a tag is name=value; --remove NAME removes one')
  return [text.slice(0, at), text.slice(at + 1)]
}

const pairsOf = (tags: Tags): Pairs => (Object.keys(tags).length === 0 ? [['no tags', '']] : Object.entries(tags))
