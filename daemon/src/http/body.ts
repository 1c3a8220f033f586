import type { IncomingMessage } from 'node:http'
import { WarderError } from '@warder/contract'
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
 * @throws WarderError `unsupported-media-type`, `body-too-large`, or `cancelled` when the caller goes away meanwhile. That it
 *   is as long as its Content-Length says is Node's to see to.
 */
export async function readBody(request: IncomingMessage, { bytes: limit }: BodyLimits): Promise<Uint8Array> {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers
  if (type === undefined || !jsonType.test(type) || (encoding !== undefined && encoding.toLowerCase() !== 'identity')) {
    throw new WarderError('unsupported-media-type', 'the body must be application/json in UTF-8, not compressed')
  }
  const tooLarge = (): WarderError =>
    new WarderError('body-too-large', `the body must be at most ${limit} bytes`, { facts: { limit } })
  const declared = Number(request.headers['content-length'])
  if (declared > limit) throw tooLarge()
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let length = 0
    let settled = false
    const give = (error: WarderError): void => {
      settled = true
      request.off('data', take)
      for (const part of parts) part.fill(0)
      // the listener sees to the rest: it lets the caller send for a while, and hangs up
      request.pause()
      reject(error)
    }
    const take = (part: Buffer): void => {
      parts.push(part)
      length += part.length
      if (length > limit && !settled) give(tooLarge())
    }
    const end = (): void => {
      if (settled) return
      settled = true
      resolve(joined(parts, length))
    }
    const gone = (cause?: Error): void => {
      if (!settled) give(new WarderError('cancelled', 'the caller has gone before the body was complete', { cause }))
    }
    request.on('data', take)
    if (request.destroyed) return gone()
    // most bodies came in one piece with their headers: what is there is taken at once, each part as it came
    while (request.read() !== null);
    if (length === declared) return end()
    request.on('end', end).on('error', gone).on('close', gone)
  })
}

/** As one; what was copied from is wiped. */
function joined(parts: readonly Buffer[], length: number): Buffer {
  const [first, ...more] = parts
  if (first !== undefined && more.length === 0) return first
  const whole = Buffer.concat(parts, length)
  for (const part of parts) part.fill(0)
  return whole
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
