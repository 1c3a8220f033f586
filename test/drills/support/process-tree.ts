import { readFile } from 'node:fs/promises'

/** The pids of all descendants of a process, as Linux lists them. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const children = await readProc(`/proc/${pid}/task/${pid}/children`)
  const pids = children.split(' ').filter(Boolean).map(Number)
  return [...pids, ...(await Promise.all(pids.map(descendantsOf))).flat()]
}

/** Whether a process has ended; one that nobody has waited for yet counts as ended. */
export async function hasEnded(pid: number): Promise<boolean> {
  const stat = await readProc(`/proc/${pid}/stat`)
  // pid (comm) state …, where comm may itself hold parentheses (proc_pid_stat(5))
  return stat === '' || 'ZX'.includes(stat.slice(stat.lastIndexOf(')') + 2).charAt(0))
}

async function readProc(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}
