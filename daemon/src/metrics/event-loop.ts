import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was, in milliseconds, since the appliance started. */
export interface EventLoopDelay extends AsyncDisposable {
  p99Ms(): number
  maxMs(): number
}

const resolutionMs = 10

/** Measures until it is disposed. What the sampling itself takes is left out. */
export function watchEventLoop(): EventLoopDelay {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  const ms = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e4 - resolutionMs * 100) / 100)
  return {
    p99Ms: () => ms(delay.percentile(99)),
    maxMs: () => ms(delay.max),
    [Symbol.asyncDispose]: async () => {
      delay.disable()
    },
  }
}
