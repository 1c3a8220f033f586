import { Readable } from 'node:stream'
import type { StreamedBytes } from '../api/operation.ts'
import type { Answer } from './answer.ts'
import { commonHeaders } from './common-headers.ts'
import type { RequestContext } from './context.ts'

/**
 * Writes an answer that is complete, past Koa: its setters would look at the same headers again and again. Who has been
 * answered meanwhile, or has gone, is not answered.
 */
export function reply(ctx: RequestContext, { status, headers, body }: Answer): void {
  const { res, state } = ctx
  if (state.signal.aborted || res.headersSent) return
  const head = commonHeaders(state.requestId)
  for (const [name, value] of Object.entries(headers)) head.push(name, value)
  if (status === 304) {
    res.writeHead(status, head).end()
    ctx.respond = false
    return
  }
  const length = Buffer.byteLength(body)
  head.push('Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(length))
  // as many bytes as characters: ASCII, which is the same as latin1 and written quicker so
  res.writeHead(status, head).end(body, length === body.length ? 'latin1' : 'utf8')
  ctx.respond = false
}

/** Answers bytes as they are made. What goes wrong meanwhile is told to `onCut`, and to the caller by a lost connection. */
export function replyBytes(
  ctx: RequestContext,
  status: number,
  { bytes, headers }: StreamedBytes,
  onCut: (error: unknown) => void,
): void {
  const body = Readable.from(bytes, { objectMode: false })
  // Koa would leave the answer open, as if more were to come.
  body.once('error', error => {
    onCut(error)
    ctx.res.destroy()
  })
  ctx.status = status
  ctx.set(headers)
  ctx.body = body
  ctx.type = 'application/octet-stream'
}
