import {
  context,
  type Context,
  createContextKey,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { ckrIn } from '../hsm/ckr.ts'
import { asWarderError, problems } from '../http/problem.ts'
import type { Attributes } from './attributes.ts'

/** One for all spans of a request, so that they fit into one another to the microsecond. Milliseconds since the epoch. */
export type Clock = () => number

const clockKey = createContextKey('warder.clock')

export function startClock(): Clock {
  const at = Date.now() - performance.now()
  return () => at + performance.now()
}

/** The context of what is done within a span. */
export const inside = (outer: Context, span: Span, clock: Clock): Context =>
  trace.setSpan(outer, span).setValue(clockKey, clock)

/** Of the traced request that is being served; `undefined` where there is none. */
export const clockOf = (active: Context): Clock | undefined => active.getValue(clockKey) as Clock | undefined

export const set = (span: Span, attributes: Attributes): Span => span.setAttributes({ ...attributes })

/** Does `work` in a span of its own when it belongs to a request that is traced; else just does it. Calls it at once. */
export async function follow<T>(
  tracer: Tracer,
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  const active = context.active()
  const clock = clockOf(active)
  if (clock === undefined) return work()
  const span = set(tracer.startSpan(name, { startTime: clock() }, active), attributes)
  try {
    return await context.with(inside(active, span, clock), work)
  } catch (error) {
    fail(span, error)
    throw error
  } finally {
    span.end(clock())
  }
}

/** Codes alone: what an error says may hold anything. */
function fail(span: Span, thrown: unknown): void {
  const { code } = asWarderError(thrown)
  const ckr = ckrIn(thrown)
  set(span, { 'warder.code': code, ...(ckr !== undefined && { 'warder.hsm.ckr': ckr }) })
  if (problems[code].status < 500) return
  set(span, { 'error.type': code })
  span.setStatus({ code: SpanStatusCode.ERROR })
}
