import type { IncomingMessage } from 'node:http'
import { WarderError } from '@warder/contract'
import getRawBody from 'raw-body'
import secureJson from 'secure-json-parse'
import { batchJsonBounds, checkJsonBounds, type JsonBounds, jsonBounds } from './json-bounds.ts'

export interface BodyLimits {
  readonly bytes: number
  readonly json: JsonBounds
}

export const bodyLimits: BodyLimits = { bytes: 256 * 1024, json: jsonBounds }
/** For operations that take many items at once. */
export const batchBodyLimits: BodyLimits = { bytes: 2 * 1024 * 1024, json: batchJsonBounds }

const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** True when the request says that a body follows. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/**
 * Reads the bytes of a JSON body.
 * @throws WarderError `unsupported-media-type`, `body-too-large`, `malformed-request`, or `cancelled` when the caller goes
 *   away meanwhile
 */
export async function readBody(request: IncomingMessage, { bytes: limit }: BodyLimits): Promise<Uint8Array> {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers
  if (type === undefined || !jsonType.test(type) || (encoding !== undefined && encoding.toLowerCase() !== 'identity')) {
    throw new WarderError('unsupported-media-type', 'the body must be application/json in UTF-8, not compressed')
  }
  try {
    return await getRawBody(request, { limit, length: request.headers['content-length'] ?? null })
  } catch (error) {
    switch (error instanceof Error && 'type' in error ? error.type : undefined) {
      case 'entity.too.large':
        throw new WarderError('body-too-large', `the body must be at most ${limit} bytes`, { facts: { limit } })
      case 'request.size.invalid':
        throw malformed('the body is not as long as its Content-Length says')
      default:
        throw new WarderError('cancelled', 'the caller has gone before the body was complete', { cause: error })
    }
  }
}

/**
 * Parses JSON. Nothing of it is in any error: not even a parser's own message, which would quote it.
 * @throws WarderError `too-complex`, `forbidden-field` or `malformed-request`
 */
export function parseJson(bytes: Uint8Array, { json: bounds }: BodyLimits): unknown {
  checkJsonBounds(bytes, bounds)
  let text
  try {
    text = utf8.decode(bytes)
  } catch {
    throw malformed('the body is not UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('the body is not JSON')
  }
  if (typeof value === 'object' && value !== null && secureJson.scan(value, { safe: true }) === null) {
    throw new WarderError('forbidden-field', 'the body has a field name that is never accepted')
  }
  return value
}

function malformed(message: string): WarderError {
  return new WarderError('malformed-request', message, { facts: { field: 'body' } })
}
