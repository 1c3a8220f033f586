import type { Router } from '@koa/router'
import type { EventLoopDelay } from '../metrics/event-loop.ts'
import type { Figures } from '@warder/core'
import type { Metrics } from '../metrics/metrics.ts'
import { authenticate } from './authenticate.ts'
import type { RequestContext, RequestState } from './context.ts'
import { engineOf, type Running } from './endpoint.ts'
import type { Readiness } from './probes.ts'

export interface Introspected extends Running {
  readonly metrics: Metrics
  readonly version: string
  readonly eventLoop: EventLoopDelay
  /** What the engine counts by itself. */
  figures?(): Figures | undefined
}

/** What operators may see who hold `introspect` in the root space: metrics, and the health of each part. */
export function routeIntrospection(
  router: Router<RequestState>,
  introspected: Introspected,
  readiness: () => Promise<Readiness>,
): void {
  const { metrics, version, eventLoop } = introspected
  const figures = (): Figures | undefined => introspected.figures?.()
  const began = performance.now()

  router.get('/metrics', async ctx => {
    await admit(ctx, 'metrics', introspected)
    const { parts } = await readiness()
    ctx.body = await metrics.text(parts, figures())
    ctx.set('Content-Type', metrics.contentType)
  })

  router.get('/healthz', async ctx => {
    await admit(ctx, 'healthz', introspected)
    const { ready, parts } = await readiness()
    ctx.status = ready ? 200 : 503
    ctx.body = JSON.stringify({
      ok: ready,
      version,
      uptimeSeconds: Math.floor((performance.now() - began) / 1000),
      parts,
      eventLoop: { p99Ms: eventLoop.p99Ms(), maxMs: eventLoop.maxMs() },
      caches: figures()?.caches ?? {},
    })
    ctx.type = 'application/json'
  })
}

async function admit(ctx: RequestContext, name: string, running: Running): Promise<void> {
  ctx.state.operation = name
  const engine = engineOf(running)
  const principal = await authenticate(engine, ctx)
  await engine.authorizeIntrospection({ principal, requestId: ctx.state.requestId, signal: ctx.state.signal })
}
