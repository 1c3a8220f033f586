import { readFileSync } from 'node:fs'

const everyMs = 5

export interface LoopDelay {
  /** Longest delay of the event loop by the clock; on a busy machine it is mostly waiting for a processor. */
  readonly wallMs: number
  /** Longest stretch in which the loop itself computed, in time on the processor: what this process answers for. */
  readonly busyMs: number
}

/** Watches how long the event loop is held up, until the function it answers is called. */
export function watchLoop(): () => LoopDelay {
  let wallMs = 0
  let busyMs = 0
  let before = sample()
  const look = () => {
    const now = sample()
    wallMs = Math.max(wallMs, now.at - before.at - everyMs)
    busyMs = Math.max(busyMs, now.busy - before.busy)
    before = now
  }
  const timer = setInterval(look, everyMs)
  return () => {
    clearInterval(timer)
    look()
    return { wallMs, busyMs }
  }
}

/** The main thread's time on the processor is the first field of its schedstat (proc_pid_schedstat(5)), in nanoseconds. */
function sample(): { readonly at: number; readonly busy: number } {
  const [onProcessor] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return { at: performance.now(), busy: Number(onProcessor) / 1e6 }
}
