import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds that all threads of a process have spent on a processor, to the nanosecond (schedstat in proc(5)). */
export function cpuMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + threadCpuMs(pid, Number(task)), 0)
}

/** The same of one thread; the main thread has the number of its process. */
export function threadCpuMs(pid: number, thread: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    // it has just ended
    return 0
  }
}

export function residentMiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}
