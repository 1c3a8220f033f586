import { context, trace, type Tracer } from '@opentelemetry/api'
import type { Engine, Ports } from '@warder/core'
import type { ConnectOptions } from '../hsm/client.ts'
import { hsmCommands, storageCalls } from '../metrics/ports.ts'
import { wrapMethods } from '../wrap-methods.ts'
import { clockOf, follow, set } from './follow.ts'

/** The engine's ports, each call of a traced request through them in a span: `hsm.call`, `storage.call`, and the engine's own. */
export function tracedPorts(ports: Ports, tracer: Tracer): Ports {
  return {
    ...ports,
    hsm: wrapMethods(ports.hsm, hsmCommands, (command, work) =>
      follow(tracer, 'hsm.call', { 'warder.hsm.command': command }, work),
    ),
    store: wrapMethods(ports.store, storageCalls, (call, work) =>
      follow(tracer, 'storage.call', { 'warder.storage.call': call }, work),
    ),
    spans: { around: (name, work) => follow(tracer, name, {}, work) },
  }
}

/** The engine with `authenticate` in a span. */
export function tracedEngine(engine: Engine, tracer: Tracer): Engine {
  const apiKeys = wrapMethods(engine.apiKeys, ['authenticate', 'recordMissing'], (_, work) =>
    follow(tracer, 'authenticate', {}, work),
  )
  return new Proxy(engine, {
    get: (target, name) => (name === 'apiKeys' ? apiKeys : (Reflect.get(target, name) as unknown)),
  })
}

/**
 * Parts an `hsm.call` by what the answer tells of it: `hsm.queue` until the host had it, the way back included, then `hsm.host`
 * inside the host, where it may have waited for a session before PKCS#11 was called.
 */
export function traceAnswers(tracer: Tracer): NonNullable<ConnectOptions['onCall']> {
  return () => {
    const active = context.active()
    const clock = clockOf(active)
    if (clock === undefined) return undefined
    const sent = clock()
    return ({ host, hsmMicros }) => {
      const end = clock()
      const atHost = Math.max(sent, end - hsmMicros / 1000)
      const call = trace.getSpan(active)
      if (call !== undefined) set(call, { 'warder.hsm.host': host, 'warder.hsm.host_us': hsmMicros })
      tracer.startSpan('hsm.queue', { startTime: sent }, active).end(atHost)
      tracer.startSpan('hsm.host', { startTime: atHost }, active).end(end)
    }
  }
}
