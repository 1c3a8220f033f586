import type { Log } from '@warder/contract'
import { errorFields } from '../../log/error-fields.ts'
import { setCommonHeaders } from '../common-headers.ts'
import type { RequestMiddleware } from '../context.ts'
import { asWarderError, problemOf, problems } from '../problem.ts'

/**
 * Sees to it that every answer has the common headers, and turns every error into a problem (RFC 9457). A caller who has gone gets nothing. What is the appliance's own fault is
 * logged under the request id.
 */
export function problemCatcher(log: Log): RequestMiddleware {
  return async (ctx, next) => {
    try {
      await next()
      setCommonHeaders(ctx)
    } catch (thrown) {
      const error = asWarderError(thrown)
      ctx.state.code = error.code
      const spec = problems[error.code]
      if (spec.status >= 500 && spec.quiet === undefined) {
        const level = spec.retryable ? 'warn' : 'error'
        const { operation, requestId, traceId } = ctx.state
        log[level]('a request failed', { operation, requestId, traceId, ...errorFields(error) })
      }
      if (ctx.res.destroyed || !ctx.writable) {
        ctx.respond = false
        ctx.state.gone = true
        return
      }
      setCommonHeaders(ctx)
      ctx.status = spec.status
      ctx.body = JSON.stringify(problemOf(error, ctx.state.requestId))
      ctx.type = 'application/problem+json'
      if (spec.retryAfter !== undefined) ctx.set('Retry-After', String(spec.retryAfter))
      if (error.code === 'missing-credentials') ctx.set('WWW-Authenticate', 'Bearer realm="warder"')
      // RFC 6750 section 3.1
      if (error.code === 'invalid-credentials') {
        ctx.set('WWW-Authenticate', 'Bearer realm="warder", error="invalid_token"')
      }
    }
  }
}
