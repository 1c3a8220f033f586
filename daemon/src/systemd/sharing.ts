import type { Config } from '../config/schema.ts'
import type { SocketSharing } from '../hsm/run-directory.ts'
import { findGroup, findUser } from './accounts.ts'

/** `hsm.user` and `hsm.socketGroup` by number. @throws WarderError `config-invalid` when the machine has no such account. */
export async function sharingOf({ user, socketGroup }: Config['hsm']): Promise<SocketSharing | undefined> {
  if (user === undefined || socketGroup === undefined) return undefined
  return { uid: (await findUser(user)).uid, gid: await findGroup(socketGroup) }
}
