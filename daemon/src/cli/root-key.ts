import type { Answered } from '../client/types.ts'
import { type Pairs, printThing } from './print.ts'
import { withRemote } from './remote.ts'
import type { RemoteFlags } from './settings.ts'

export async function rootKeyStatus(flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) =>
    printThing(flags.format, (await client.call('getRootKeys', {})).body, rotationFields),
  )
}

/** Answers at once; the rewrapping goes on in the appliance. */
export async function rootKeyRotate(flags: RemoteFlags): Promise<void> {
  await withRemote(flags, async ({ client }) =>
    printThing(flags.format, (await client.call('rotateRootKey', {})).body, rotationFields),
  )
}

function rotationFields({ rootKey, state, done, of }: Answered<'getRootKeys'>): Pairs {
  return [
    ['root key', String(rootKey)],
    ['rotation', state],
    ['wrapped under it', `${done} of ${of} versions`],
  ]
}
