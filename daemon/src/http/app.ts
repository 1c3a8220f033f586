import type { RequestListener } from 'node:http'
import type { Log } from '@warder/contract'
import Koa from 'koa'
import { errorFields } from '../log/error-fields.ts'
import type { RequestState } from './context.ts'
import type { Running } from './endpoint.ts'
import { lifetime } from './middleware/lifetime.ts'
import { problemCatcher } from './middleware/problem-catcher.ts'
import { requestId } from './middleware/request-id.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { unrouted } from './middleware/unrouted.ts'
import { createRouter } from './routes.ts'

export interface AppOptions extends Running {
  readonly log: Log
  /** How long one request may take before it is answered `hsm-timeout`, in milliseconds; 30,000 when absent. */
  readonly deadlineMs?: number
}

/** The HTTP API as one request listener. It may be listening before there is an engine: all of /v1 answers `sealed` then. */
export function createApp(options: AppOptions): RequestListener {
  const app = new Koa<RequestState>()
  app.use(requestId)
  app.use(problemCatcher(options.log))
  app.use(securityHeaders)
  app.use(lifetime(options.deadlineMs ?? 30_000))
  app.use(createRouter(options).routes())
  app.use(unrouted)
  // Errors of a connection after its answer was begun; everything before that is the catcher's.
  app.on('error', error => options.log.debug('a connection failed', errorFields(error)))
  const handle = app.callback()
  return (request, response) => void handle(request, response)
}
