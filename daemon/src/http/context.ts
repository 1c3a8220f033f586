import type { Middleware, ParameterizedContext } from 'koa'

/** What the middleware leave for one another. */
export interface RequestState {
  /** Names this request in answers, logs and the journal. */
  requestId: string
  /** Aborted when the caller has gone or the deadline has passed. */
  signal: AbortSignal
}

export type RequestContext = ParameterizedContext<RequestState>
export type RequestMiddleware = Middleware<RequestState>
