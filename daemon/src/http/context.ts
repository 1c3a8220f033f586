import type { WarderCode } from '@warder/contract'
import type { Middleware, ParameterizedContext } from 'koa'

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
  /** There is nobody to answer any more. */
  gone?: true
}

export type RequestContext = ParameterizedContext<RequestState>
export type RequestMiddleware = Middleware<RequestState>
