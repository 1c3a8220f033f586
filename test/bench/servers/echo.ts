import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { answerParent } from '../worker.ts'

// The least a server can do: `echo.ts https|koa CERTIFICATE KEY` answers every POST with the JSON it was sent, over the
// TLS that the appliance has.

const [kind, certificate = '', key = ''] = process.argv.slice(2)

async function echoed(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return JSON.stringify(JSON.parse(Buffer.concat(parts).toString('utf8')))
}

const bare: RequestListener = (request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = JSON.stringify(JSON.parse(Buffer.concat(parts).toString('utf8')))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
}

function koa(): RequestListener {
  const app = new Koa()
  app.use(async ctx => {
    ctx.body = await echoed(ctx.req)
    ctx.type = 'application/json'
  })
  const handle = app.callback()
  return (request, response) => void handle(request, response)
}

const server = createServer(
  {
    cert: readFileSync(certificate),
    key: readFileSync(key),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 30_000,
  },
  kind === 'koa' ? koa() : bare,
)

export const echo = {
  /** The port it serves on; begins at the first question. */
  async listen(): Promise<number> {
    if (!server.listening) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  },
}

answerParent(echo)
