import type { Log } from '@warder/contract'
import type { Metrics } from '../../metrics/metrics.ts'
import type { RequestMiddleware } from '../context.ts'
import { requestIdOf } from '../request-id.ts'
import { traceIdOf } from '../trace-context.ts'

/**
 * Names every request, times it and counts its refusal, under names of a fixed set; the log has the request under its
 * ids.
 */
export function observe(log: Log, metrics: Metrics): RequestMiddleware {
  return async (ctx, next) => {
    const began = performance.now()
    ctx.state.requestId = requestIdOf(ctx.req)
    ctx.state.traceId = traceIdOf(ctx.req)
    try {
      await next()
    } finally {
      const seconds = (performance.now() - began) / 1000
      const { operation = 'none', code, requestId, traceId, gone } = ctx.state
      const status = gone === true ? undefined : ctx.status
      metrics.operationDone(operation, status === undefined ? 'gone' : classOf(status), seconds)
      if (code !== undefined) metrics.requestRefused(code)
      log.debug('a request', { operation, status, code, ms: Math.round(seconds * 1000), requestId, traceId })
    }
  }
}

const classOf = (status: number): string => `${Math.floor(status / 100)}xx`
