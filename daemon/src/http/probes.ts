import type { Router } from '@koa/router'
import type { Health } from '@warder/contract'
import { aborted } from './aborted.ts'
import type { RequestState } from './context.ts'
import type { Running } from './endpoint.ts'

export interface Readiness {
  readonly ready: boolean
  readonly parts: Readonly<Record<string, Health>>
}

/** Probes need no credentials, so however many come, the parts are asked at most once in this time. */
const freshForMs = 1000
const deadlineMs = 5000

/** Whether the appliance can serve, part by part. Never rejects. */
export function createReadiness(running: Running): () => Promise<Readiness> {
  let asked: { readonly at: number; readonly answer: Promise<Readiness> } | undefined
  return () => {
    const engine = running.engine()
    if (engine === undefined) {
      return Promise.resolve({ ready: false, parts: { engine: { ok: false, detail: running.whyNot() } } })
    }
    const now = performance.now()
    if (asked === undefined || now - asked.at >= freshForMs) {
      const signal = AbortSignal.timeout(deadlineMs)
      asked = { at: now, answer: Promise.race([engine.health({ signal }), aborted(signal)]).then(judge, unknown) }
    }
    return asked.answer
  }
}

/** The probes that need no credentials. */
export function routeProbes(
  router: Router<RequestState>,
  readiness: () => Promise<Readiness>,
  { notices }: Pick<Running, 'notices'>,
): void {
  router.get('/livez', ctx => {
    ctx.state.operation = 'livez'
    ctx.body = 'ok\n'
  })
  router.get('/readyz', async ctx => {
    ctx.state.operation = 'readyz'
    const found = await readiness()
    ctx.status = found.ready ? 200 : 503
    ctx.body = 'verbose' in ctx.query ? verbose(found, notices?.()) : found.ready ? 'ok\n' : 'not ready\n'
  })
}

/** One line for each part, as Kubernetes writes them, and a verdict, which the notices have no part in. */
function verbose({ ready, parts }: Readiness, notices: Readiness['parts'] = {}): string {
  const lines = Object.entries({ ...parts, ...notices }).map(
    ([name, { ok, detail }]) => `[${ok ? '+' : '-'}]${name} ${ok ? 'ok' : 'failed'}: ${detail}`,
  )
  return `${lines.join('\n')}\nreadyz check ${ready ? 'passed' : 'failed'}\n`
}

function judge(parts: Readonly<Record<string, Health>>): Readiness {
  return { ready: Object.values(parts).every(part => part.ok), parts }
}

function unknown(): Readiness {
  return { ready: false, parts: { engine: { ok: false, detail: 'did not answer in time' } } }
}
