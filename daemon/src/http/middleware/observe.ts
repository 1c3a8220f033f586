import type { Log } from '@warder/contract'
import type { Metrics } from '../../metrics/metrics.ts'
import type { RequestMiddleware } from '../context.ts'
import { traceIdOf } from '../trace-context.ts'

/** Times every request and counts its refusal, under names of a fixed set; the log has the request under its ids. */
export function observe(log: Log, metrics: Metrics): RequestMiddleware {
  return async (ctx, next) => {
    const began = performance.now()
    ctx.state.traceId = traceIdOf(ctx.req)
    try {
      await next()
    } finally {
      const seconds = (performance.now() - began) / 1000
      const { operation = 'none', code, requestId, traceId } = ctx.state
      const answered = ctx.respond !== false
      metrics.operationDone(operation, answered ? `${Math.floor(ctx.status / 100)}xx` : 'gone', seconds)
      if (code !== undefined) metrics.requestRefused(code)
      const status = answered ? ctx.status : undefined
      log.debug('a request', { operation, status, code, ms: Math.round(seconds * 1000), requestId, traceId })
    }
  }
}
