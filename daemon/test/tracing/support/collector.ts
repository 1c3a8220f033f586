import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { until } from '../../hsm/support/until.ts'

/** One span as OTLP's JSON has it (opentelemetry-proto, trace.proto). */
export interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1 internal, 2 server. */
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly events: readonly unknown[]
  readonly links: readonly unknown[]
  readonly status: { readonly code: number; readonly message?: string }
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: SentSpan['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
}

/** A collector that takes OTLP over HTTP. */
export class Collector implements AsyncDisposable {
  readonly #server: Server
  readonly headers: IncomingHttpHeaders[] = []
  /** As sent. */
  readonly bodies: string[] = []
  /** `hang`: takes the request and never answers. */
  mode: 'answer' | 'fail' | 'hang' = 'answer'

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Collector> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.once('end', () => {
        const bytes = Buffer.concat(parts)
        collector.headers.push(request.headers)
        collector.bodies.push(
          (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'),
        )
        if (collector.mode === 'hang') return
        response.writeHead(collector.mode === 'fail' ? 400 : 200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    const collector = new Collector(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return collector
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`
  }

  get exports(): readonly Export[] {
    return this.bodies.map(body => JSON.parse(body) as Export)
  }

  get spans(): readonly SentSpan[] {
    return this.exports.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    )
  }

  /** The spans of a trace, once its request's own has come, which ends after the others. */
  async trace(traceId: string): Promise<readonly SentSpan[]> {
    const found = (): readonly SentSpan[] => this.spans.filter(span => span.traceId === traceId)
    await until('the trace has come', () => found().some(({ kind }) => kind === 2))
    return found()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }
}

/** Attributes by name. */
export const attributesOf = ({ attributes }: Pick<SentSpan, 'attributes'>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
