import { randomUUID } from 'node:crypto'
import type { RequestMiddleware } from '../context.ts'

const acceptable = /^[A-Za-z0-9._-]{1,64}$/

/** Takes the caller's X-Request-Id when it is harmless to log, makes one otherwise, and always answers it. */
export const requestId: RequestMiddleware = (ctx, next) => {
  const given = ctx.req.headers['x-request-id']
  ctx.state.requestId = typeof given === 'string' && acceptable.test(given) ? given : randomUUID()
  ctx.set('X-Request-Id', ctx.state.requestId)
  return next()
}
