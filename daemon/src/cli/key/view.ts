import type { Answered } from '../../client/types.ts'
import type { Pairs } from '../print.ts'

export type Key = Answered<'getKey'>

/** A key, for people. */
export function keyFields(key: Key): Pairs {
  const primary = key.versions.find(({ number }) => number === key.primary)
  return [
    ['name', key.name],
    ['space', key.space],
    ['id', key.id],
    ['algorithm', key.algorithm],
    ['usage', key.usage],
    ['custody', primary?.token === undefined ? key.custody : `${key.custody}, on the token ${primary.token}`],
    ['exportable', key.exportable ? 'yes' : 'no'],
    ['state', key.destroyAt === null ? key.state : `${key.state}, destroyed at ${key.destroyAt}`],
    ['primary version', `${key.primary}, ${primary?.state ?? 'unknown'}`],
    ['versions', String(key.versions.length)],
    ['lowest to decrypt', String(key.minDecryptVersion)],
    ['lowest to encrypt', String(key.minEncryptVersion)],
    ['rotation', rotationOf(key)],
    ['tags', tagsOf(key)],
    ['description', key.description],
    ['generation', String(key.generation)],
    ['created', `${key.createdAt} by ${key.createdBy}`],
  ]
}

export function tagsOf({ tags }: Pick<Key, 'tags'>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
}

function rotationOf({ rotation: { everyDays, nextAt } }: Key): string {
  if (everyDays === null) return 'by hand'
  return `every ${everyDays} days${nextAt === null ? '' : `, next at ${nextAt}`}`
}
