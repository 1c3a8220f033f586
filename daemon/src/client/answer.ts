import { warderCodes, type WarderCode } from '@warder/contract'
import { RemoteProblem } from './errors.ts'
import type { Reply } from './transport.ts'

/**
 * The problem (RFC 9457) that a reply is. What is no problem document becomes one without a code: a proxy's page, or a
 * server that is no Warder.
 */
export function problemOf({ status, headers, text }: Reply): RemoteProblem {
  const seconds = Number(headers['retry-after'] ?? NaN)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined
  const requestId = headers['x-request-id']?.toString()
  const said = /^application\/problem\+json\b/.test(headers['content-type'] ?? '') ? objectOf(text) : undefined
  if (said === undefined) {
    const detail = `The answer was HTTP ${status}, and not one of a Warder appliance.`
    return new RemoteProblem({ status, title: `HTTP ${status}`, detail, requestId, retryable: false, retryAfterMs })
  }
  const title = textOf(said['title']) ?? `HTTP ${status}`
  return new RemoteProblem({
    code: warderCodes.find(code => code === said['code']) satisfies WarderCode | undefined,
    status,
    title,
    detail: textOf(said['detail']) ?? title,
    requestId: textOf(said['request_id']) ?? requestId,
    retryable: said['retryable'] === true,
    retryAfterMs,
  })
}

/** A JSON object, or `undefined` for anything else. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
