import { Router } from '@koa/router'
import type { RequestMiddleware, RequestState } from './context.ts'
import { actionOf } from './middleware/unrouted.ts'

/**
 * The routes of a router, found without trying them all: what ends in an action is looked for among the routes of that
 * action, which no other path can match, and the rest among the rest.
 */
export function routesByAction(router: Router<RequestState>): RequestMiddleware {
  const plain = new Router<RequestState>()
  const actions = new Map<string, Router<RequestState>>()
  for (const layer of router.stack) {
    const action = typeof layer.path === 'string' ? actionOf(layer.path.replace(/\/:/g, '/')) : undefined
    let found = action === undefined ? plain : actions.get(action)
    if (found === undefined) actions.set(action ?? '', (found = new Router()))
    found.stack.push(layer)
  }
  const others = plain.routes()
  const byAction = new Map([...actions].map(([action, each]) => [action, each.routes()]))
  return async (ctx, next) => {
    const found = byAction.get(actionOf(ctx.path) ?? '') ?? others
    await found(ctx as Parameters<typeof found>[0], next)
  }
}
