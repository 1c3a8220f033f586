import { readFileSync } from 'node:fs'

const everyMs = 5

export interface LoopDelay {
  /** Longest delay of the event loop by the clock. */
  readonly wallMs: number
  /** The same, less the time in which this thread could run and the kernel gave the CPU to others. Blocking calls count. */
  readonly heldMs: number
}

/**
 * Watches how long the event loop is held up, until the function it answers is called. On a machine with more work than
 * processors every process is late by the clock; what a process answers for is the time it was not waiting for a CPU.
 */
export function watchLoop(): () => LoopDelay {
  let wallMs = 0
  let heldMs = 0
  let before = sample()
  const look = () => {
    const now = sample()
    const late = Math.max(0, now.at - before.at - everyMs)
    wallMs = Math.max(wallMs, late)
    heldMs = Math.max(heldMs, late - (now.waited - before.waited))
    before = now
  }
  const timer = setInterval(look, everyMs)
  return () => {
    clearInterval(timer)
    look()
    return { wallMs, heldMs }
  }
}

/** Both clocks at one moment: when the CPU was lost between reading the one and the other, they are read again. */
function sample(): { readonly at: number; readonly waited: number } {
  for (let attempt = 0; ; attempt++) {
    const waited = runQueueWaitMs()
    const at = performance.now()
    if (runQueueWaitMs() === waited || attempt === 20) return { at, waited }
  }
}

/** The main thread's time on the run queue (proc_pid_schedstat(5), second field); 0 where the kernel does not tell. */
function runQueueWaitMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
