import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

// Loaded into a daemon before its own code (node --import); plain JavaScript, because its worker threads load it too. On
// SIGUSR2 it writes the longest stretch in which the event loop computed since the last time, in milliseconds on the
// processor, to a file named for the process. What a busy machine adds to that by the clock says nothing of the daemon.
const file = process.env['LOOP_DELAY_FILE']
if (isMainThread && file !== undefined) {
  const busyMs = () => Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6
  let longest = 0
  let seen = busyMs()
  setInterval(() => {
    const now = busyMs()
    longest = Math.max(longest, now - seen)
    seen = now
  }, 1).unref()
  process.on('SIGUSR2', () => {
    const own = `${file}.${process.pid}`
    writeFileSync(`${own}.tmp`, String(longest))
    renameSync(`${own}.tmp`, own)
    longest = 0
  })
}
