import { Router } from '@koa/router'
import { openApiDocument } from '../api/openapi.ts'
import { namedSchemas, operations } from '../api/operations.ts'
import type { RequestState } from './context.ts'
import { endpoint, type Running } from './endpoint.ts'
import { isAction } from './middleware/unrouted.ts'
import { createReadiness, verbose } from './probes.ts'
import { problems } from './problem.ts'

/** Every route there is: the operations, and three that need no credentials. */
export function createRouter(running: Running): Router<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true })

  for (const operation of operations) {
    const serve = endpoint(operation, running)
    const takesAction = isAction(operation.path)
    router.register(routerPath(operation.path), [operation.method], (ctx, next) =>
      isAction(ctx.path) === takesAction ? serve(ctx) : next(),
    )
  }

  const readiness = createReadiness(running)
  const openApi = JSON.stringify(openApiDocument(operations, namedSchemas, problems))

  router.get('/livez', ctx => {
    ctx.body = 'ok\n'
  })
  router.get('/readyz', async ctx => {
    const found = await readiness()
    ctx.status = found.ready ? 200 : 503
    ctx.body = 'verbose' in ctx.query ? verbose(found) : found.ready ? 'ok\n' : 'not ready\n'
  })
  router.get('/openapi.json', ctx => {
    ctx.type = 'application/json'
    ctx.body = openApi
  })
  return router
}

/** `/keys/{key}:sign` as path-to-regexp writes it: `/keys/:key\:sign`. */
function routerPath(template: string): string {
  return template.replaceAll(':', '\\:').replace(/\{(\w+)\}/g, ':$1')
}
