import type { IncomingMessage } from 'node:http'

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/

export interface TraceContext {
  readonly traceId: string
  /** The caller's span. */
  readonly spanId: string
  /** Whether the caller may have recorded it. */
  readonly sampled: boolean
}

/**
 * The caller's `traceparent` (W3C Trace Context section 3.2). One that is not well-formed is as good as none, as the
 * recommendation says; a version after 00 may have more parts.
 */
export function traceContextOf(request: IncomingMessage): TraceContext | undefined {
  if (request.headers['traceparent'] === undefined) return undefined
  const given = request.headersDistinct['traceparent']
  if (given?.length !== 1) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(given[0] ?? '') ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** Its trace id. */
export const traceIdOf = (request: IncomingMessage): string | undefined => traceContextOf(request)?.traceId
