import { readFile } from 'node:fs/promises'
import { WarderError } from '@warder/contract'

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * A user of this machine, from `/etc/passwd`: system users are there, those of a directory service are not meant.
 * @throws WarderError `config-invalid` naming the user.
 */
export async function findUser(name: string, passwd = '/etc/passwd'): Promise<User> {
  const [, , uid, gid] = await entry(passwd, name, 'user')
  return { name, uid: Number(uid), gid: Number(gid) }
}

/** The number of a group, from `/etc/group`. @throws WarderError `config-invalid` naming the group. */
export async function findGroup(name: string, group = '/etc/group'): Promise<number> {
  const [, , gid] = await entry(group, name, 'group')
  return Number(gid)
}

/** passwd(5) and group(5): fields between colons, the name first. */
async function entry(file: string, name: string, kind: string): Promise<readonly string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map(line => line.split(':'))
  const found = lines.find(fields => fields[0] === name && fields.length > 3 && /^\d+$/.test(fields[2] ?? ''))
  if (found !== undefined) return found
  throw new WarderError('config-invalid', `There is no ${kind} ${name} on this machine: systemd-sysusers makes it.`, {
    facts: { reason: `no-${kind}`, name },
  })
}

/**
 * Does something as another user, with that user's groups, so that what it makes is the user's. Only root can, and comes
 * back afterwards; for anyone else, and without a user, it is done as it is. Nothing else may run meanwhile: the whole
 * process changes.
 */
export async function asUser<T>(user: User | undefined, fn: () => Promise<T>): Promise<T> {
  if (user === undefined || !isRoot()) return fn()
  const { initgroups, setgroups, getgroups, setegid, seteuid } = process as unknown as Privileges
  const groups = getgroups()
  initgroups(user.name, user.gid)
  setegid(user.gid)
  seteuid(user.uid)
  try {
    return await fn()
  } finally {
    seteuid(0)
    setegid(0)
    setgroups(groups)
  }
}

/** There on every POSIX system, as the types do not say. */
interface Privileges {
  initgroups(user: string, extraGroup: number): void
  setgroups(groups: readonly number[]): void
  getgroups(): number[]
  setegid(id: number): void
  seteuid(id: number): void
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}
