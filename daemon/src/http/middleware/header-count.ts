import { WarderError } from '@warder/contract'
import type { RequestMiddleware } from '../context.ts'

/** Real requests have a dozen; each proxy on the way adds a few. Their size is the listener's to limit. */
const mostHeaders = 100

export const headerCount: RequestMiddleware = (ctx, next) => {
  if (ctx.req.rawHeaders.length <= 2 * mostHeaders) return next()
  throw new WarderError('too-complex', `the request must have at most ${mostHeaders} headers`, {
    facts: { field: 'headers' },
  })
}
