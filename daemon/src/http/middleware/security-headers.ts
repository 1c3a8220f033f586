import helmet from 'koa-helmet'
import type { RequestMiddleware } from '../context.ts'

const headers = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
})

/** An API that no page may embed, run or cache. */
export const securityHeaders: RequestMiddleware = async (ctx, next) => {
  ctx.set('Cache-Control', 'no-store')
  await headers(ctx, next)
}
