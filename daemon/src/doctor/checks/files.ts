import { type Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hostCount } from '../../config/tokens.ts'
import { hostSocketPath, socketMode, type SocketSharing, statusMode, statusPath } from '../../hsm/run-directory.ts'
import { findUser } from '../../systemd/accounts.ts'
import { sharingOf } from '../../systemd/sharing.ts'
import type { DoctorContext } from '../context.ts'
import { type DoctorFinding, notChecked, ok, problem } from '../finding.ts'

export interface FileFacts {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'socket' | 'other'
  readonly uid: number
  readonly gid: number
  /** The permission bits. */
  readonly mode: number
}

export async function checkFiles({ config, file }: DoctorContext): Promise<readonly DoctorFinding[]> {
  const { dataDir, user, hsm } = config
  const sharing = await sharingOf(hsm)
  const data = await walk(dataDir, file)
  const owner = user === undefined ? (await lstat(dataDir).catch(() => undefined))?.uid : (await findUser(user)).uid
  return [
    ...(Array.isArray(data) ? judgeData(data, owner ?? 0) : [data]),
    ...(await socketFindings(hsm.runDir, hostCount(hsm), sharing, file)),
  ]
}

const check = 'files below the data directory'

/** Everything in there is of one user, and for nobody else. */
export function judgeData(files: readonly FileFacts[], uid: number): readonly DoctorFinding[] {
  const strange = files.flatMap(({ path, kind, uid: owner, mode }) => {
    const open = kind !== 'other' && (mode & 0o077) !== 0
    const remedy = (fix: string) => ({ why: 'whoever reaches it reads, or changes, what nobody else may', fix })
    return [
      ...(owner === uid ? [] : [problem(check, `${path} belongs to uid ${owner}`, remedy(`chown ${uid} ${path}`))]),
      ...(open ? [problem(check, `${path} has mode ${octal(mode)}`, remedy(`chmod go= ${path}`))] : []),
    ]
  })
  return strange.length > 0 ? strange : [ok(check, `${files.length} files and directories, of uid ${uid} alone`)]
}

/** More are not looked at. */
const mostFiles = 100_000

async function walk(directory: string, config: string): Promise<FileFacts[] | DoctorFinding> {
  const found: FileFacts[] = []
  const directories = [directory]
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    let entries: Dirent[]
    try {
      entries = await readdir(next, { withFileTypes: true })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // gone since its parent was read
      if (code === 'ENOENT' && next !== directory) continue
      return notChecked(check, `${next} cannot be read (${code ?? 'failed'})`, `sudo warder doctor --config ${config}`)
    }
    for (const entry of entries) {
      const path = join(next, entry.name)
      const facts = await factsOf(path)
      if (facts !== undefined) found.push(facts)
      if (entry.isDirectory()) directories.push(path)
      if (found.length > mostFiles) return notChecked(check, `there are more than ${mostFiles}`)
    }
  }
  return found
}

/** `undefined` for what is gone meanwhile. */
async function factsOf(path: string): Promise<FileFacts | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return undefined
  const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : found.isSocket() ? 'socket' : 'other'
  return { path, kind, uid: found.uid, gid: found.gid, mode: found.mode & 0o7777 }
}

async function socketFindings(
  runDir: string,
  hosts: number,
  sharing: SocketSharing | undefined,
  config: string,
): Promise<readonly DoctorFinding[]> {
  const paths = Array.from({ length: hosts }, (_, index) => hostSocketPath(runDir, index))
  try {
    const sockets = await Promise.all(paths.map(factsOf))
    const status = await factsOf(statusPath(runDir))
    const there = sockets.filter(socket => socket !== undefined)
    // what is missing is for the check of the hosts to say
    if (there.length === 0) return [notChecked('sockets', `none is in ${runDir}: warder-hsm does not run`)]
    return judgeSockets(there, status, sharing)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [
      notChecked('sockets', `${runDir} cannot be read (${code ?? 'failed'})`, `sudo warder doctor --config ${config}`),
    ]
  }
}

/** Who may open a socket uses every key. */
export function judgeSockets(
  sockets: readonly FileFacts[],
  status: FileFacts | undefined,
  sharing: SocketSharing | undefined,
): readonly DoctorFinding[] {
  const allowed = [
    ...sockets.map(socket => ({ ...socket, allowed: socketMode(sharing) })),
    ...(status === undefined ? [] : [{ ...status, allowed: statusMode(sharing) }]),
  ]
  const fix = 'systemctl restart warder-hsm'
  const why = 'whoever may open a socket of the hosts uses every key'
  const strange = allowed.flatMap(({ path, mode, gid, uid, allowed: most }) => {
    const problems = []
    if ((mode & ~most) !== 0) problems.push(`${path} has mode ${octal(mode)}, and ${octal(most)} is what it needs`)
    if (sharing !== undefined && gid !== sharing.gid) problems.push(`${path} belongs to gid ${gid}, not ${sharing.gid}`)
    if (sharing !== undefined && uid !== sharing.uid) problems.push(`${path} belongs to uid ${uid}, not ${sharing.uid}`)
    return problems.map(found => problem('sockets', found, { why, fix }))
  })
  return strange.length > 0 ? strange : [ok('sockets', `${sockets.length}, for those alone who need them`)]
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')
