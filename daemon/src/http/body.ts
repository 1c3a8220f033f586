import type { IncomingMessage } from 'node:http'
import { WarderError } from '@warder/contract'
import getRawBody from 'raw-body'
import secureJson from 'secure-json-parse'
import { checkJsonBounds } from './json-bounds.ts'

export const bodyLimit = 256 * 1024

const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a JSON body. Nothing of it is in any error: not even a parser's own message, which would quote it.
 * @throws WarderError `unsupported-media-type`, `body-too-large`, `too-complex`, `forbidden-field`, `malformed-request`,
 *   or `cancelled` when the caller goes away meanwhile
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers
  if (type === undefined || !jsonType.test(type) || (encoding !== undefined && encoding.toLowerCase() !== 'identity')) {
    throw new WarderError('unsupported-media-type', 'the body must be application/json in UTF-8, not compressed')
  }
  return parseJson(await readBytes(request))
}

async function readBytes(request: IncomingMessage): Promise<Uint8Array> {
  try {
    return await getRawBody(request, { limit: bodyLimit, length: request.headers['content-length'] ?? null })
  } catch (error) {
    switch (error instanceof Error && 'type' in error ? error.type : undefined) {
      case 'entity.too.large':
        throw new WarderError('body-too-large', `the body must be at most ${bodyLimit} bytes`, {
          facts: { limit: bodyLimit },
        })
      case 'request.size.invalid':
        throw new WarderError('malformed-request', 'the body is not as long as its Content-Length says')
      default:
        throw new WarderError('cancelled', 'the caller has gone before the body was complete', { cause: error })
    }
  }
}

function parseJson(bytes: Uint8Array): unknown {
  checkJsonBounds(bytes)
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
