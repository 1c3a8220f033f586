import type { RequestListener } from 'node:http'
import type { Log } from '@warder/contract'
import Koa from 'koa'
import { errorFields } from '../log/error-fields.ts'
import type { RequestMiddleware, RequestState } from './context.ts'
import type { EventLoopDelay } from '../metrics/event-loop.ts'
import type { Figures } from '@warder/core'
import type { Metrics } from '../metrics/metrics.ts'
import type { Running } from './endpoint.ts'
import { headerCount } from './middleware/header-count.ts'
import { lifetime } from './middleware/lifetime.ts'
import { observe } from './middleware/observe.ts'
import { problemCatcher } from './middleware/problem-catcher.ts'
import { unrouted } from './middleware/unrouted.ts'
import { routesByPath } from './route-lookup.ts'
import { createRouter } from './routes.ts'

export interface AppOptions extends Running {
  readonly log: Log
  readonly metrics: Metrics
  readonly eventLoop: EventLoopDelay
  readonly version: string
  /** What the engine counts by itself, for metrics and health. */
  figures?(): Figures | undefined
  /** How long one request may take before it is answered `hsm-timeout`, in milliseconds; 30,000 when absent. */
  readonly deadlineMs?: number
  /** Around everything that is done for a request, where requests are traced. */
  readonly traceRequest?: RequestMiddleware | undefined
}

/** The HTTP API as one request listener. It may be listening before there is an engine: all of /v1 answers `sealed` then. */
export function createApp(options: AppOptions): RequestListener {
  const app = new Koa<RequestState>()
  app.use(observe(options.log, options.metrics))
  if (options.traceRequest !== undefined) app.use(options.traceRequest)
  app.use(problemCatcher(options.log))
  app.use(headerCount)
  app.use(lifetime(options.deadlineMs ?? 30_000))
  app.use(routesByPath(createRouter(options)))
  app.use(unrouted)
  // Errors of a connection after its answer was begun; everything before that is the catcher's.
  app.on('error', error => options.log.debug('a connection failed', errorFields(error)))
  const handle = app.callback()
  return (request, response) => void handle(request, response)
}
