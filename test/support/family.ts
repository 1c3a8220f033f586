import { readdirSync, readFileSync } from 'node:fs'
import { until } from './until.ts'

/** A process as the kernel names it: the time of its start tells it from a later one of the same pid. */
export interface Relative {
  readonly pid: number
  readonly started: string
}

/** A process and all it started that still live, itself first (proc(5)). */
export function familyOf(pid: number): Relative[] {
  const started = startOf(pid)
  if (started === undefined) return []
  return [{ pid, started }, ...childrenOf(pid).flatMap(familyOf)]
}

/** Resolves when none of them runs any more. */
export async function gone(family: readonly Relative[]): Promise<void> {
  await until(`the end of ${family.map(({ pid }) => pid).join(', ')}`, () =>
    family.every(({ pid, started }) => startOf(pid) !== started),
  )
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(task =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** Field 22 of /proc/pid/stat; undefined when it has ended, reaped or not. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
