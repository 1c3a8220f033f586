import { Router } from '@koa/router'
import { openApiDocument } from '../api/openapi.ts'
import { namedSchemas, operations } from '../api/operations.ts'
import type { RequestState } from './context.ts'
import { endpoint, type Serving } from './endpoint.ts'
import { type Introspected, routeIntrospection } from './introspection.ts'
import { isAction } from './middleware/unrouted.ts'
import { createReadiness, routeProbes } from './probes.ts'
import { problems } from './problem.ts'
import { routeProblemPages } from './problem-pages.ts'

/** Every route there is: the operations, what operators may look at, and what needs no credentials. */
export function createRouter(served: Serving & Introspected): Router<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true })

  for (const operation of operations) {
    const serve = endpoint(operation, served)
    const takesAction = isAction(operation.path)
    router.register(routerPath(operation.path), [operation.method], (ctx, next) =>
      isAction(ctx.path) === takesAction ? serve(ctx) : next(),
    )
  }

  const readiness = createReadiness(served)
  routeProbes(router, readiness, served)
  routeIntrospection(router, served, readiness)
  routeProblemPages(router)

  const openApi = JSON.stringify(openApiDocument(operations, namedSchemas, problems))
  router.get('/openapi.json', ctx => {
    ctx.state.operation = 'openapi'
    ctx.type = 'application/json'
    ctx.body = openApi
  })
  return router
}

/** `/keys/{key}:sign` as path-to-regexp writes it: `/keys/:key\:sign`. */
function routerPath(template: string): string {
  return template.replaceAll(':', '\\:').replace(/\{(\w+)\}/g, ':$1')
}
