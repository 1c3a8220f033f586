import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { error, type Finding } from './finding.ts'

export interface Expected {
  readonly kind: 'file' | 'directory'
  /** Permission bits of which none may be set. */
  readonly forbidden: number
  /** Any of these users; `undefined` for whoever. */
  readonly owners?: readonly number[]
  readonly what: string
  /** What to do when it is not there. */
  readonly make?: string
}

/** What is wrong with a file or directory that the configuration names; nothing when all is well. Opens nothing. */
export async function checkFile(path: string, expected: Expected): Promise<Finding[]> {
  const { kind, forbidden, owners, what, make } = expected
  let found
  try {
    found = await stat(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const absent = code === 'ENOENT' && (await lstat(path).catch(() => undefined)) === undefined
    const why = absent ? 'is not there' : `cannot be looked at (${code ?? 'failed'})`
    return [error(path, `${what} ${why}${make === undefined ? '' : `: ${make}`}.`, make?.replace(/^run /, ''))]
  }
  const findings: Finding[] = []
  if (kind === 'directory' ? !found.isDirectory() : !found.isFile())
    findings.push(error(path, `${what} is no ${kind}.`))
  const excess = found.mode & forbidden
  if (excess !== 0) {
    const mode = (found.mode & 0o7777 & ~forbidden).toString(8).padStart(4, '0')
    const fix = `chmod ${mode} ${path}`
    findings.push(error(path, `${what} is open to more than it should be: ${fix}.`, fix))
  }
  if (owners !== undefined && !owners.includes(found.uid)) {
    const fix = `chown ${owners.at(-1)} ${path}`
    findings.push(error(path, `${what} belongs to uid ${found.uid}: chown it to uid ${owners.join(' or ')}.`, fix))
  }
  return findings
}

/** Who may write to a directory may replace what is in it. */
export async function checkParent(path: string, owners: readonly number[]): Promise<Finding[]> {
  const what = 'the directory of a file that is trusted'
  return checkFile(dirname(path), { kind: 'directory', forbidden: 0o022, owners, what })
}
