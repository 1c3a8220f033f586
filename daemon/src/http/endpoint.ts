import { type Health, type Log, type WarderCode, WarderError } from '@warder/contract'
import type { Engine } from '@warder/core'
import type { RouterContext } from '@koa/router'
import { z } from 'zod'
import { pathOf, type Operation, type StreamedBytes } from '../api/operation.ts'
import { parse } from '../api/parse.ts'
import { errorFields } from '../log/error-fields.ts'
import { answerOf, type Answer } from './answer.ts'
import { authenticate } from './authenticate.ts'
import { isBatch, serveBatch } from './batch.ts'
import { batchBodyLimits, bodyLimits, hasBody, parseJson, readBody } from './body.ts'
import type { RequestContext, RequestState } from './context.ts'
import { expectationOf, isKnown } from './entity-tag.ts'
import { digestOf, idempotencyKeyOf } from './idempotency.ts'
import { problems } from './problem.ts'
import { reply, replyBytes } from './reply.ts'

const nothing = z.strictObject({})
const noBytes = new Uint8Array(0)

export interface Running {
  /** `undefined` while the appliance cannot serve. */
  engine(): Engine | undefined
  /** One line for the caller and the probes: why there is no engine yet. */
  whyNot(): string
  /** Parts that are told beside the others and do not decide whether the appliance can serve. */
  notices?(): Readonly<Record<string, Health>>
}

export interface Serving extends Running {
  readonly log: Log
  readonly metrics: { itemRefused(code: WarderCode): void }
}

type EndpointContext = RequestContext & Pick<RouterContext<RequestState>, 'params'>

/** @throws WarderError `sealed` while there is none. */
export function engineOf(running: Running): Engine {
  const engine = running.engine()
  if (engine === undefined) throw new WarderError('sealed', running.whyNot())
  return engine
}

/** Serves one operation: who is calling, then what they sent, then the engine. Nothing is read for a stranger. */
export function endpoint(operation: Operation, serving: Serving): (ctx: EndpointContext) => Promise<void> {
  const { params: ofPath = nothing, query: ofQuery = nothing, request: ofBody = nothing } = operation
  const limits = operation.handleBatch === undefined ? bodyLimits : batchBodyLimits
  const bodyOptional = operation.request === undefined || operation.bodyOptional === true

  return async ctx => {
    ctx.state.operation = operation.id
    const { req } = ctx
    const engine = engineOf(serving)
    const principal = await authenticate(engine, ctx)
    const call = { principal, requestId: ctx.state.requestId, signal: ctx.state.signal }
    const params = parse(ofPath, ctx.params, 'path')
    const query = parse(ofQuery, queryOf(ctx), 'query')
    const expect = expectationOf(req, operation.ifMatch)
    const idempotencyKey = operation.idempotency === undefined ? undefined : idempotencyKeyOf(req)

    /** Checks what was sent; what it returns then does it. */
    const prepare = (sent: unknown): (() => Promise<Answer>) => {
      const asked = { operation, params: ctx.params, search: ctx.querystring, query }
      if (isBatch(operation, sent)) {
        const onRefused = (error: WarderError): void => refused(serving, ctx, error)
        const batch = { engine, call, params, body: sent, onRefused }
        return async () => answerOf(asked, await serveBatch(operation, batch))
      }
      const body = parse(ofBody, sent, 'body')
      return async () => answerOf(asked, await operation.handle(engine, call, { params, query, body, expect }))
    }

    if (operation.method === 'GET') {
      const answer = await prepare({})()
      const { ETag: tag } = answer.headers
      return reply(ctx, tag !== undefined && isKnown(req, tag) ? { ...answer, status: 304 } : answer)
    }
    const bytes = bodyOptional && !hasBody(req) ? noBytes : await readBody(req, limits)
    try {
      if (operation.streamed === true) {
        const body = parse(ofBody, bytes === noBytes ? {} : parseJson(bytes, limits), 'body')
        const made = await operation.handle(engine, call, { params, query, body, expect })
        return replyBytes(ctx, operation.status, made as StreamedBytes, error => cut(serving, ctx, error))
      }
      const act = prepare(bytes === noBytes ? {} : parseJson(bytes, limits))
      if (idempotencyKey === undefined) return reply(ctx, await act())
      const once = {
        route: operation.id,
        key: idempotencyKey,
        digest: digestOf(operation.method, pathOf(operation.path, ctx.params), bytes),
        keepAnswer: operation.idempotency === 'kept',
      }
      const { replayed, ...answer } = await engine.idempotency.once(call, once, act)
      const headers = replayed ? { ...answer.headers, 'Idempotency-Replayed': 'true' } : answer.headers
      reply(ctx, { ...answer, headers })
    } finally {
      bytes.fill(0)
    }
  }
}

/** One item of a batch. The request as a whole succeeds, so what is the appliance's own fault is logged here. */
function refused({ log, metrics }: Serving, ctx: EndpointContext, error: WarderError): void {
  metrics.itemRefused(error.code)
  if (problems[error.code].status < 500) return
  const { requestId, traceId } = ctx.state
  log.warn('an item of a batch failed', { requestId, traceId, ...errorFields(error) })
}

/** An answer that was begun and could not be ended. */
function cut({ log }: Serving, ctx: EndpointContext, error: unknown): void {
  const { operation, requestId, traceId } = ctx.state
  log.warn('an answer was cut short', { operation, requestId, traceId, ...errorFields(error) })
}

/** `fromEntries` makes `__proto__` a plain field too, to be refused like any other that is not known. */
function queryOf({ querystring }: RequestContext): Readonly<Record<string, string>> {
  if (querystring === '') return {}
  const given = [...new URLSearchParams(querystring)]
  const query = Object.fromEntries(given)
  if (Object.keys(query).length === given.length) return query
  throw new WarderError('malformed-request', 'a query parameter is given twice', { facts: { field: 'query' } })
}
