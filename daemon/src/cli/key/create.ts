import type { Asked } from '../../client/types.ts'
import { printThing } from '../print.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { keyFields } from './view.ts'

type NewKey = Asked<'createKey'>['body']

/** What `key create` and `key import` have in common. */
export interface NewKeyFlags extends RemoteFlags {
  readonly usage?: NonNullable<NewKey['usage']>
  readonly custody?: NonNullable<NewKey['custody']>
  readonly exportable?: true
  readonly tag?: Readonly<Record<string, string>>
  readonly description?: string
  readonly idempotencyKey?: string
}

export interface KeyCreateFlags extends NewKeyFlags {
  readonly algorithm: string
  readonly rotateEveryDays?: number
}

export async function keyCreate(name: string, flags: KeyCreateFlags): Promise<void> {
  await withRemote(flags, async ({ client, space }) => {
    const { algorithm, rotateEveryDays, idempotencyKey } = flags
    const body = { ...newKeyOf(name, flags), algorithm, rotateEveryDays }
    const made = await client.call('createKey', { params: { space }, body }, { idempotencyKey })
    await printThing(flags.format, made.body, keyFields)
  })
}

export function newKeyOf(name: string, { usage, custody, exportable, tag: tags, description }: NewKeyFlags) {
  return { name, usage, custody, exportable, tags, description }
}
