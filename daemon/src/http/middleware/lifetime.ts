import { setMaxListeners } from 'node:events'
import { WarderError } from '@warder/contract'
import type { RequestMiddleware } from '../context.ts'

/**
 * Gives the request a signal that is aborted when the caller has gone (`cancelled`) or after `deadlineMs` (`hsm-timeout`).
 * The request is answered then, also when something below does not heed the signal.
 */
export function lifetime(deadlineMs: number): RequestMiddleware {
  return (ctx, next) => {
    const controller = new AbortController()
    const { signal } = controller
    // each item of a batch listens
    setMaxListeners(0, signal)
    ctx.state.signal = signal
    return new Promise<void>((resolve, reject) => {
      const stop = (reason: WarderError): void => {
        controller.abort(reason)
        reject(reason)
      }
      const timer = setTimeout(() => {
        stop(new WarderError('hsm-timeout', `the request was not done within ${deadlineMs} ms`))
      }, deadlineMs)
      ctx.res.once('close', () => {
        if (!ctx.res.writableFinished) stop(new WarderError('cancelled', 'the caller has gone'))
      })
      next()
        .catch((error: unknown) => {
          // Whatever the work below said when it was told to stop, the reason for stopping is the answer.
          throw signal.aborted && (WarderError.is(error, 'cancelled') || !WarderError.is(error)) ? signal.reason : error
        })
        .finally(() => clearTimeout(timer))
        .then(resolve, reject)
    })
  }
}
