import type { WarderClient } from '../../client/client.ts'
import type { Asked } from '../../client/types.ts'
import { printThing } from '../print.ts'
import { confirm } from '../prompt.ts'
import { withRemote } from '../remote.ts'
import type { RemoteFlags } from '../settings.ts'
import { type Key, keyFields } from './view.ts'

export interface ActFlags extends RemoteFlags {
  readonly idempotencyKey?: string
  readonly reason?: Asked<'revokeKey'>['body']['reason']
  readonly keyVersion?: number
  readonly date?: string
  readonly windowDays?: number
  readonly yes?: boolean
}

interface Acting {
  readonly client: WarderClient
  readonly params: { readonly space: string; readonly key: string }
  readonly version: number
  readonly flags: ActFlags
}

/** Whoever types a command means the key as it is now. */
const ifMatch = '*'

const acts = {
  rotate: ({ client, params, flags: { idempotencyKey } }: Acting) =>
    client.call('rotateKey', { params }, { ifMatch, idempotencyKey }),
  rollback: ({ client, params, version }: Acting) =>
    client.call('rollbackKey', { params, body: { version } }, { ifMatch }),
  enable: ({ client, params }: Acting) => client.call('enableKey', { params }),
  disable: ({ client, params }: Acting) => client.call('disableKey', { params }),
  suspend: ({ client, params, version }: Acting) => client.call('suspendKeyVersion', { params, body: { version } }),
  resume: ({ client, params, version }: Acting) => client.call('resumeKeyVersion', { params, body: { version } }),
  revoke: ({ client, params, flags: { reason = 'unspecified', keyVersion, date } }: Acting) =>
    client.call('revokeKey', { params, body: { reason, version: keyVersion, date } }),
  destroy: ({ client, params, flags: { windowDays } }: Acting) =>
    client.call('destroyKey', { params, body: { windowDays } }, { ifMatch }),
  restore: ({ client, params }: Acting) => client.call('restoreKey', { params }, { ifMatch }),
} satisfies Readonly<Record<string, (acting: Acting) => Promise<{ readonly body: Key }>>>

export type Act = keyof typeof acts

/** Does one act on a key, or on a version of it, and shows the key as it is then. */
export async function keyAct(act: Act, key: string, version: number | undefined, flags: ActFlags): Promise<void> {
  if (act === 'revoke') await confirm(`${key} will be compromised for good.`, key, flags)
  if (act === 'destroy') await confirm(`${key} stops at once, and is destroyed when its window has passed.`, key, flags)
  await withRemote(flags, async ({ client, space }) => {
    const { body } = await acts[act]({ client, params: { space, key }, version: version ?? 0, flags })
    await printThing(flags.format, body, keyFields)
  })
}
