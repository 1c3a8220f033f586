import { existsSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

// Loaded into the API process before its own code (node --import); plain JavaScript, because its worker threads load it
// too. On SIGUSR2 it writes what it saw since the last time, and begins anew: how late timers of one millisecond were by
// the clock, and how long the loop computed between two of them on the processor. What other processes of a busy machine
// add is in the first and not in the second. The heap is collected before it is told only where a file `<file>.collect` asks
// for it: a collection costs time and throws away what was compiled.
const file = process.env['BENCH_PROBE_FILE']
if (isMainThread && file !== undefined && process.argv[2] === 'dev') {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const stat = openSync('/proc/self/schedstat', 'r')
  const text = Buffer.alloc(64)
  const busyMs = () => Number.parseInt(text.latin1Slice(0, readSync(stat, text, 0, 64, 0)), 10) / 1e6
  let stretches = []
  let seen = busyMs()
  setInterval(() => {
    const now = busyMs()
    stretches.push(now - seen)
    seen = now
  }, 1).unref()
  const at = quantile => stretches[Math.floor(quantile * (stretches.length - 1))] ?? 0
  process.on('SIGUSR2', () => {
    stretches.sort((a, b) => a - b)
    // twice: buffers that the first finds unused are let go by the second, and were half of what a key seemed to take
    if (existsSync(`${file}.collect`)) for (let n = 0; n < 2; n++) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    const told = {
      latenessP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1),
      latenessMaxMs: Math.max(0, delay.max / 1e6 - 1),
      busyP99Ms: at(0.99),
      busyMaxMs: at(1),
      heapBytes: heapUsed + external,
      residentBytes: rss,
    }
    writeFileSync(`${file}.tmp`, JSON.stringify(told))
    renameSync(`${file}.tmp`, file)
    delay.reset()
    stretches = []
    seen = busyMs()
  })
}
