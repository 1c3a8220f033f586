import { request as httpsRequest, Agent } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import type { Engine } from '@warder/core'
import { createApp } from '../../../src/http/app.ts'
import { listen, type Listener, type ListenerLimits } from '../../../src/http/listener.ts'
import type { Figures } from '@warder/core'
import { createMetrics, type Metrics } from '../../../src/metrics/metrics.ts'
import { createLog } from '../../../src/log/create-log.ts'
import { createInternalCa, issueServerCertificate } from '../../../src/tls/internal-ca.ts'
import { createMemoryEngine, goodKey, type MemoryEngine } from './memory-engine.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON. */
  json(): Record<string, unknown>
}

export interface Sending {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Sends the body in chunks without a Content-Length. */
  readonly chunked?: boolean
  /** Without a credential. */
  readonly anonymous?: boolean
}

/** The real app on a real TLS listener on loopback, over a test-only engine. */
export interface Appliance extends AsyncDisposable {
  readonly engine: MemoryEngine
  readonly listener: Listener
  readonly metrics: Metrics
  readonly ca: string
  /** Everything logged so far. */
  logged(): string
  send(sending: Sending): Promise<Reply>
  post(path: string, body: unknown): Promise<Reply>
  get(path: string): Promise<Reply>
  /** A TLS connection to write raw bytes on. */
  connect(): Promise<TLSSocket>
}

export interface ApplianceOptions {
  readonly limits?: Partial<ListenerLimits>
  readonly deadlineMs?: number
  readonly running?: () => Engine | undefined
  readonly figures?: () => Figures
}

export async function startAppliance(options: ApplianceOptions = {}): Promise<Appliance> {
  const now = new Date()
  const ca = await createInternalCa({ name: 'Warder test', now })
  const certificate = await issueServerCertificate(ca, { hosts: ['localhost', '127.0.0.1'], now })
  const engine = createMemoryEngine()
  let logged = ''
  const log = createLog({ write: line => void (logged += line) }, 'debug')
  const metrics = createMetrics()
  const handle = createApp({
    metrics,
    // Fixed, so that a test can tell it from what was measured.
    eventLoop: { p99Ms: () => 1.5, maxMs: () => 9, [Symbol.asyncDispose]: async () => undefined },
    version: '1.2.3',
    engine: options.running ?? (() => engine),
    whyNot: () => 'waiting for the operator',
    log,
    ...(options.figures === undefined ? {} : { figures: options.figures }),
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
  })
  const limits = options.limits ?? {}
  const listener = await listen({ host: '127.0.0.1', port: 0, ...certificate, handle, limits })
  const agent = new Agent({ ca: ca.certificatePem, keepAlive: true, maxSockets: 8 })
  const { port } = listener.address

  const send = (sending: Sending): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { body, chunked = false } = sending
      const headers: Record<string, string> = { ...sending.headers }
      if (sending.anonymous !== true) headers['authorization'] ??= `Bearer ${goodKey}`
      if (body !== undefined) headers['content-type'] ??= 'application/json'
      if (body !== undefined && !chunked) headers['content-length'] = String(Buffer.byteLength(body))
      const { method = 'GET', path } = sending
      const request = httpsRequest({ agent, host: '127.0.0.1', port, method, path, headers }, response => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          const json = () => JSON.parse(text) as Record<string, unknown>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
        })
      })
      request.once('error', reject)
      if (body !== undefined && chunked) request.write(body)
      request.end(chunked ? undefined : body)
    })

  return {
    engine,
    listener,
    metrics,
    ca: ca.certificatePem,
    logged: () => logged,
    send,
    get: path => send({ path }),
    post: (path, body) => send({ method: 'POST', path, body: JSON.stringify(body) }),
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port, ca: ca.certificatePem }, () => resolve(socket))
        socket.once('error', reject)
      }),
    [Symbol.asyncDispose]: async () => {
      agent.destroy()
      await listener.close(0)
    },
  }
}

/** Everything the other side sends until it closes. */
export function drain(socket: TLSSocket): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(text))
  })
}
