import type { WarderCode } from '@warder/contract'
import type { Middleware, ParameterizedContext } from 'koa'
import type { Answer } from './answer.ts'

/** What the middleware leave for one another. */
export interface RequestState {
  /** Names this request in answers, logs and the journal. */
  requestId: string
  /** Of the caller's `traceparent` (W3C Trace Context), for logs. */
  traceId: string | undefined
  /** Aborted when the caller has gone or the deadline has passed. */
  signal: AbortSignal
  /** The id of the operation or probe that serves it; for logs and metrics, so it is one of a fixed set. */
  operation: string | undefined
  /** What it was refused with. */
  code: WarderCode | undefined
}

export type RequestContext = ParameterizedContext<RequestState>
export type RequestMiddleware = Middleware<RequestState>

/** Writes an answer that is complete. */
export function reply(ctx: RequestContext, { status, headers, body }: Answer): void {
  ctx.status = status
  ctx.set(headers)
  if (status === 304) return
  ctx.body = body
  ctx.type = 'application/json'
}
