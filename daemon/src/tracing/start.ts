import { context, type Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { type Log, WarderError } from '@warder/contract'
import type { Engine, Ports } from '@warder/core'
import type { Config } from '../config/schema.ts'
import { readSecret } from '../config/secret-reference.ts'
import type { ConnectOptions } from '../hsm/client.ts'
import type { RequestMiddleware } from '../http/context.ts'
import { settledWithin } from '../settled-within.ts'
import { traceAnswers, tracedEngine, tracedPorts } from './ports.ts'
import { traceRequests } from './request.ts'
import { told } from './told-exporter.ts'

/**
 * What the parts of an appliance need to be traced. Disposing it sends what waits, for two seconds at most; an export that was
 * begun by then is given up within five.
 */
export interface Tracing extends AsyncDisposable {
  readonly request: RequestMiddleware
  readonly onCall: NonNullable<ConnectOptions['onCall']>
  ports(ports: Ports): Ports
  engine(engine: Engine): Engine
}

export interface TracingOptions {
  readonly config: NonNullable<Config['tracing']>
  readonly log: Log
  readonly node: string
  readonly version: string
  readonly environment: NodeJS.ProcessEnv
}

/** Spans that wait; what is beyond is dropped. */
const mostWaiting = 2048
const exportMs = 5000
const closeMs = 2000

/**
 * Begins to trace in this process, one appliance at a time. Spans are sent in batches, in the background: a collector that fails,
 * hangs or is not there costs spans and nothing else.
 * @throws WarderError `config-invalid` when a header's secret cannot be read, or is none for a header.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { config, log, node, version, environment } = options
  const headers = await readHeaders(config.headers, environment)
  // the exporter would add them to those of the configuration
  delete environment['OTEL_EXPORTER_OTLP_HEADERS']
  delete environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS']
  const exporter = new OTLPTraceExporter({
    url: config.endpoint,
    headers,
    timeoutMillis: exportMs,
    concurrencyLimit: 4,
    httpAgentOptions: { keepAlive: true },
  })
  const closed = new AbortController()
  const processor = new BatchSpanProcessor(told(exporter, log, closed.signal), {
    maxQueueSize: mostWaiting,
    maxExportBatchSize: 512,
    scheduledDelayMillis: 1000,
    exportTimeoutMillis: exportMs,
  })
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'warder',
      'service.version': version,
      'service.instance.id': node,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.ratio) }),
    spanProcessors: [processor],
    generalLimits: { attributeCountLimit: 32, attributeValueLengthLimit: 256 },
    spanLimits: { attributeCountLimit: 32, attributeValueLengthLimit: 256, eventCountLimit: 0, linkCountLimit: 0 },
  })
  // its context alone: nothing here asks for a global tracer, and no header is ever passed on
  provider.register({ propagator: null })
  const tracer: Tracer = provider.getTracer('warder', version)
  log.info('tracing', { endpoint: new URL(config.endpoint).origin, ratio: config.ratio })
  return {
    request: traceRequests(tracer),
    onCall: traceAnswers(tracer),
    ports: ports => tracedPorts(ports, tracer),
    engine: engine => tracedEngine(engine, tracer),
    async [Symbol.asyncDispose]() {
      context.disable()
      // a collector that does not answer is not waited for
      await settledWithin(closeMs, provider.shutdown())
      closed.abort()
    },
  }
}

async function readHeaders(
  references: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const [name, reference] of Object.entries(references)) {
    const bytes = await readSecret(reference, environment)
    const value = Buffer.from(bytes).toString('latin1').replace(/\n$/, '')
    bytes.fill(0)
    if (!/^[\x20-\x7e]+$/.test(value)) {
      const message = `tracing.headers.${name}: what it refers to must be one line of printable ASCII.`
      throw new WarderError('config-invalid', message, { facts: { field: `tracing.headers.${name}` } })
    }
    headers[name] = value
  }
  return headers
}
