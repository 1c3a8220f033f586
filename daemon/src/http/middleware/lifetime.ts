import { WarderError } from '@warder/contract'
import type { RequestMiddleware } from '../context.ts'
import { Deadlines } from '../deadlines.ts'
import { SignalPool } from '../../signal-pool.ts'

/**
 * Gives the request a signal that is aborted when the caller has gone (`cancelled`) or after `deadlineMs` (`hsm-timeout`).
 * The request is answered then, also when something below does not heed the signal.
 */
export function lifetime(deadlineMs: number): RequestMiddleware {
  const deadlines = new Deadlines(deadlineMs)
  const signals = new SignalPool(1024)
  return (ctx, next) => {
    const controller = signals.take()
    const { signal } = controller
    ctx.state.signal = signal
    return new Promise<void>((resolve, reject) => {
      let succeeded = false
      const stop = (reason: WarderError): void => {
        controller.abort(reason)
        reject(reason)
      }
      const deadline = deadlines.set(() => {
        stop(new WarderError('hsm-timeout', `the request was not done within ${deadlineMs} ms`))
      })
      ctx.res.on('close', () => {
        if (!ctx.res.writableFinished) stop(new WarderError('cancelled', 'the caller has gone'))
        // after a failure, some of the work below may still be under way
        else if (succeeded) signals.give(controller)
      })
      const work = async (): Promise<void> => {
        try {
          await next()
          succeeded = true
        } catch (error) {
          // Whatever the work below said when it was told to stop, the reason for stopping is the answer.
          throw signal.aborted && (WarderError.is(error, 'cancelled') || !WarderError.is(error)) ? signal.reason : error
        } finally {
          deadlines.lift(deadline)
        }
      }
      work().then(resolve, reject)
    })
  }
}
