import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import Koa from 'koa'
import helmet from 'koa-helmet'
import type { RequestMiddleware } from '../context.ts'

const middleware = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
})

/** They are the same for every answer, so they are worked out once, on an answer that goes nowhere. */
function fixedHeaders(): readonly (readonly [string, string])[] {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  void middleware(new Koa().createContext(response.req, response), () => Promise.resolve())
  return Object.entries({ ...response.getHeaders(), 'cache-control': 'no-store' }).map(([name, value]) => [
    name,
    String(value),
  ])
}

const headers = fixedHeaders()

/** An API that no page may embed, run or cache. */
export const securityHeaders: RequestMiddleware = (ctx, next) => {
  for (const [name, value] of headers) ctx.res.setHeader(name, value)
  return next()
}
