import { WarderError } from '@warder/contract'
import type { Engine } from '@warder/core'
import type { RouterContext } from '@koa/router'
import { z } from 'zod'
import { pathOf, type Operation } from '../api/operation.ts'
import { parse } from '../api/parse.ts'
import { authenticate } from './authenticate.ts'
import { readJsonBody } from './body.ts'
import type { RequestContext, RequestState } from './context.ts'

const nothing = z.strictObject({})

export interface Running {
  /** `undefined` while the appliance cannot serve. */
  engine(): Engine | undefined
  /** One line for the caller and the probes: why there is no engine yet. */
  whyNot(): string
}

type EndpointContext = RequestContext & Pick<RouterContext<RequestState>, 'params'>

/** Serves one operation: who is calling, then what they sent, then the engine. Nothing is read for a stranger. */
export function endpoint(operation: Operation, running: Running): (ctx: EndpointContext) => Promise<void> {
  const { params: ofPath = nothing, query: ofQuery = nothing, request, paged } = operation

  return async ctx => {
    const engine = running.engine()
    if (engine === undefined) throw new WarderError('sealed', running.whyNot())
    const principal = await authenticate(engine, ctx)
    const params = parse(ofPath, ctx.params, 'path')
    const query = parse(ofQuery, queryOf(ctx), 'query')
    const body = request === undefined ? undefined : parse(request, await readJsonBody(ctx.req), 'body')
    const call = { principal, requestId: ctx.state.requestId, signal: ctx.state.signal }
    const answer = await operation.handle(engine, call, { params, query, body })
    ctx.status = operation.status
    if (operation.location !== undefined) ctx.set('Location', operation.location(answer))
    if (paged === true) linkNext(ctx, operation, query, answer)
    ctx.body = JSON.stringify(answer)
    ctx.type = 'application/json'
  }
}

/** `fromEntries` makes `__proto__` a plain field too, to be refused like any other that is not known. */
function queryOf({ querystring }: RequestContext): Readonly<Record<string, string>> {
  if (querystring === '') return {}
  const given = [...new URLSearchParams(querystring)]
  const query = Object.fromEntries(given)
  if (Object.keys(query).length === given.length) return query
  throw new WarderError('malformed-request', 'a query parameter is given twice', { facts: { field: 'query' } })
}

/** RFC 8288: where the next page is. */
function linkNext(ctx: EndpointContext, { path }: Operation, query: unknown, answer: unknown): void {
  const { next } = page.parse(answer)
  if (next === undefined) return
  const { limit } = paging.parse(query)
  const search = new URLSearchParams({ limit: String(limit), after: next })
  ctx.set('Link', `<${pathOf(path, ctx.params)}?${search.toString()}>; rel="next"`)
}

const page = z.object({ next: z.string().optional() })
const paging = z.object({ limit: z.number() })
