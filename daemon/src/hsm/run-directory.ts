import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { WarderError } from '@warder/contract'

/** sockaddr_un holds 108 bytes with the closing NUL (unix(7)). */
const maxSocketPathBytes = 107
/** How ids without a mapping show, unless the kernel is told otherwise. */
const overflowId = 65_534

export const hostSocketPath = (runDir: string, index: number): string => join(runDir, `hsm-${index}.sock`)
/** Where the supervisor takes orders. */
export const controlSocketPath = (runDir: string): string => join(runDir, 'control.sock')
export const statusPath = (runDir: string): string => join(runDir, 'hsm-status.json')

/**
 * Lets another user than that of the hosts use them: `uid` runs `warder-hsm`, and the members of group `gid` may connect.
 * Absent, both sides are one user, and nobody else has a way in.
 */
export interface SocketSharing {
  readonly uid: number
  readonly gid: number
}

export const socketMode = (sharing: SocketSharing | undefined): number => (sharing === undefined ? 0o600 : 0o660)
export const statusMode = (sharing: SocketSharing | undefined): number => (sharing === undefined ? 0o600 : 0o640)

/** Who asks: the side that makes the sockets, or the side that connects to them. */
export type RunDirectoryRole = 'hosts' | 'client'

/**
 * The sockets are only as private as their directory, and whoever may write there can put a socket of their own in place
 * of one. So nobody may but the user of the hosts, and root; and nobody may enter it but they and the group, if any.
 *
 * In a user namespace (PrivateUsers in the units) that user and that group may both look like nobody. Then it counts that
 * the directory above is root's alone: so root has made this one, for the user it meant.
 * @throws WarderError `config-invalid` naming what to change.
 */
export async function requireRunDirectory(
  runDir: string,
  role: RunDirectoryRole,
  sharing?: SocketSharing,
): Promise<void> {
  if (Buffer.byteLength(controlSocketPath(runDir)) > maxSocketPathBytes) {
    throw refusal('its path is too long for a unix socket: choose a shorter one')
  }
  const found = await statOf(runDir)
  if (!found.isDirectory()) throw refusal('it is not a directory')
  const seen = sharing && {
    uid: idAsSeen(sharing.uid, await readFile('/proc/self/uid_map', 'utf8')),
    gid: idAsSeen(sharing.gid, await readFile('/proc/self/gid_map', 'utf8')),
  }
  const fault = runDirectoryFault(found, process.geteuid?.() ?? -1, role, seen)
  if (fault !== undefined) throw refusal(fault)
  if (sharing === undefined || (seen?.uid === sharing.uid && seen.gid === sharing.gid)) return
  const above = await statOf(dirname(runDir))
  if (above.uid !== 0 || (above.mode & 0o022) !== 0)
    throw refusal('others than root may write to the directory above it')
}

/** What is wrong with a run directory for the user `me`, and how to mend it. */
export function runDirectoryFault(
  found: { readonly uid: number; readonly gid: number; readonly mode: number },
  me: number,
  role: RunDirectoryRole,
  sharing: SocketSharing | undefined,
): string | undefined {
  const trusted = sharing === undefined || role === 'hosts' ? [me] : [sharing.uid, 0]
  if (!trusted.includes(found.uid)) return 'it belongs to another user: chown it to the user of warder-hsm'
  const mode = found.mode & 0o7777
  if (sharing === undefined) return (mode & 0o077) === 0 ? undefined : 'others may enter it: chmod it to 0700'
  if (found.gid !== sharing.gid) return 'it belongs to another group: chgrp it to hsm.socketGroup'
  // what is made in it gets its group by the set-group-ID bit, without a chown that the units forbid
  return mode === 0o2750 ? undefined : 'its mode does not suit hsm.socketGroup: chmod it to 2750'
}

/** As what a user or group shows in a namespace with this map (user_namespaces(7)): itself, or the overflow id. */
export function idAsSeen(id: number, map: string): number {
  const ranges = map
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
  return ranges.some(([inside = 0, , count = 0]) => id >= inside && id < inside + count) ? id : overflowId
}

async function statOf(path: string): Promise<Stats> {
  return stat(path).catch((error: unknown) => {
    throw refusal('it does not exist or cannot be read', error)
  })
}

function refusal(reason: string, cause?: unknown): WarderError {
  return new WarderError('config-invalid', `The HSM run directory cannot be used: ${reason}`, {
    facts: { field: 'runDir', reason },
    cause,
  })
}
