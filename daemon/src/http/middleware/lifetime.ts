import { WarderError } from '@warder/contract'
import { aborted } from '../aborted.ts'
import type { RequestMiddleware } from '../context.ts'

/**
 * Gives the request a signal that is aborted when the caller has gone (`cancelled`) or after `deadlineMs` (`hsm-timeout`).
 * The request is answered then, also when something below does not heed the signal.
 */
export function lifetime(deadlineMs: number): RequestMiddleware {
  return async (ctx, next) => {
    const controller = new AbortController()
    const { signal } = controller
    ctx.state.signal = signal
    const timer = setTimeout(() => {
      controller.abort(new WarderError('hsm-timeout', `the request was not done within ${deadlineMs} ms`))
    }, deadlineMs)
    ctx.res.once('close', () => {
      if (!ctx.res.writableFinished) controller.abort(new WarderError('cancelled', 'the caller has gone'))
    })
    try {
      await Promise.race([next(), aborted(signal)])
    } catch (error) {
      // Whatever the work below said when it was told to stop, the reason for stopping is the answer.
      throw signal.aborted && (WarderError.is(error, 'cancelled') || !WarderError.is(error)) ? signal.reason : error
    } finally {
      clearTimeout(timer)
    }
  }
}
