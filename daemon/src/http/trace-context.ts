import type { IncomingMessage } from 'node:http'

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/
const zeros = /^0+$/

/**
 * The trace id of `traceparent` (W3C Trace Context section 3.2). One that is not well-formed is as good as none, as the
 * recommendation says; a version after 00 may have more parts.
 */
export function traceIdOf(request: IncomingMessage): string | undefined {
  if (request.headers['traceparent'] === undefined) return undefined
  const given = request.headersDistinct['traceparent']
  if (given?.length !== 1) return undefined
  const [, version, traceId = '', parentId = '', more] = form.exec(given[0] ?? '') ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  return zeros.test(traceId) || zeros.test(parentId) ? undefined : traceId
}
