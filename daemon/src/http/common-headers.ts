import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import Koa from 'koa'
import helmet from 'koa-helmet'
import type { RequestContext } from './context.ts'

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

/** Of an API that no page may embed, run or cache. */
const fixed = fixedHeaders()
const flat = fixed.flat()
const requestId = 'X-Request-Id'

/** What every answer has, as `writeHead` takes it: name, value, name, value. */
export const commonHeaders = (id: string): string[] => [...flat, requestId, id]

/** The same for an answer that Koa writes. */
export function setCommonHeaders({ res, state }: RequestContext): void {
  if (res.headersSent) return
  for (const [name, value] of fixed) res.setHeader(name, value)
  res.setHeader(requestId, state.requestId)
}
