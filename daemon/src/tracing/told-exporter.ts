import type { Log } from '@warder/contract'
import type { SpanExporter } from '@opentelemetry/sdk-trace-base'

/** Of ExportResultCode. */
const success = 0

/**
 * Logs when traces cannot be delivered, once, and when they can be again; nothing any more once `closed` is aborted. What could
 * not be delivered is dropped.
 */
export function told(exporter: SpanExporter, log: Log, closed: AbortSignal): SpanExporter {
  let failing = false
  return {
    export(spans, onResult) {
      exporter.export(spans, result => {
        const code: number = result.code
        const failed = code !== success
        if (failed && !failing && !closed.aborted)
          log.warn('traces cannot be delivered', { because: reasonOf(result.error) })
        if (!failed && failing && !closed.aborted) log.info('traces are delivered again')
        failing = failed
        onResult(result)
      })
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  }
}

/** Not what the collector says: that may be anything. */
function reasonOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'number' || typeof code === 'string' ? String(code).slice(0, 64) : (error?.name ?? 'failed')
}
