import {
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import type { IncomingMessage } from 'node:http'
import { operations } from '../api/operations.ts'
import type { RequestContext, RequestMiddleware } from '../http/context.ts'
import { traceContextOf } from '../http/trace-context.ts'
import { inside, set, startClock } from './follow.ts'

/** RFC 9110 section 9.1 and RFC 5789. */
const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
])
const templates: ReadonlyMap<string | undefined, string> = new Map(operations.map(({ id, path }) => [id, path]))
/** As spaces and keys are named; another one was refused. */
const name = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** A span for each request below /v1, as a child of the caller's when that says so (`traceparent`). */
export function traceRequests(tracer: Tracer): RequestMiddleware {
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/v1/')) {
      await next()
      return
    }
    const method = methods.has(ctx.method) ? ctx.method : '_OTHER'
    const clock = startClock()
    const outer = parentOf(ctx.req)
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER, startTime: clock() }, outer)
    if (!span.isRecording()) {
      await next()
      return
    }
    ctx.state.traceId ??= span.spanContext().traceId
    try {
      await context.with(inside(outer, span, clock), next)
    } finally {
      describe(span, method, ctx)
      span.end(clock())
    }
  }
}

function parentOf(request: IncomingMessage): typeof ROOT_CONTEXT {
  const given = traceContextOf(request)
  if (given === undefined) return ROOT_CONTEXT
  const { traceId, spanId, sampled } = given
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function describe(
  span: Span,
  method: string,
  ctx: RequestContext & { params?: Readonly<Record<string, string>> },
): void {
  const { operation, code } = ctx.state
  const route = templates.get(operation)
  set(span, { 'http.request.method': method, 'url.scheme': 'https' })
  if (operation !== undefined && route !== undefined) {
    span.updateName(`${method} ${route}`)
    set(span, { 'http.route': route, 'warder.operation': operation })
  }
  if (ctx.state.gone !== true) set(span, { 'http.response.status_code': ctx.status })
  if (code !== undefined) set(span, { 'warder.code': code })
  if (code !== undefined && ctx.status >= 500) {
    set(span, { 'error.type': code })
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  // what a stranger wrote there is nobody's name
  if (route === undefined || ctx.status === 401) return
  const { space = '', key = '' } = ctx.params ?? {}
  if (name.test(space)) set(span, { 'warder.space': space })
  if (name.test(key)) set(span, { 'warder.key': key })
}
