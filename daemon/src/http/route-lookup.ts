import type { Router, RouterContext } from '@koa/router'
import type { RequestContext, RequestMiddleware, RequestState } from './context.ts'

type Layer = Router<RequestState>['stack'][number]

interface Route {
  readonly serve: RequestMiddleware
  /** Of its parameters, in their order. */
  readonly names: readonly string[]
}

/** What a path may go on with after some segments. */
interface Place {
  readonly words: Map<string, Place>
  /** Any name may stand here. */
  any?: Place
  /** Of routes that end here, by method and action. */
  readonly routes: Map<string, Route>
}

/** Segments without escapes and without a colon, but for one before an action at the end. */
const plain = /^(?:\/[A-Za-z0-9._-]+)+(?::[A-Za-z0-9]+)?$/
/** A segment of a route as path-to-regexp writes it: `spaces`, `:key`, `:key\:sign`. */
const written = /^(:?)([A-Za-z0-9._-]+)(?:\\:([A-Za-z0-9]+))?$/

const emptyPlace = (): Place => ({ words: new Map(), routes: new Map() })
const ending = (method: string, action: string | undefined): string => `${method}:${action ?? ''}`

/**
 * The routes of a router, found by the words of the path and not by one regular expression after the other. What is not
 * found so is left to the router itself: paths with escapes, other methods, and what there is no route for.
 */
export function routesByPath(router: Router<RequestState>): RequestMiddleware {
  const root = emptyPlace()
  for (const layer of router.stack) enter(root, layer)
  const byRouter = router.routes()
  return async (ctx, next) => {
    const found = find(root, ctx.method, ctx.path)
    if (found === undefined) {
      await byRouter(ctx as Parameters<typeof byRouter>[0], next)
      return
    }
    ;(ctx as RequestContext & Pick<RouterContext<RequestState>, 'params'>).params = found.params
    await found.serve(ctx, next)
  }
}

function enter(root: Place, layer: Layer): void {
  const { path, stack } = layer
  if (typeof path !== 'string' || stack.length !== 1) return
  const names: string[] = []
  let place = root
  let action: string | undefined
  for (const segment of path.slice(1).split('/')) {
    const [, parameter, name, verb] = written.exec(segment) ?? []
    if (name === undefined || action !== undefined) return
    action = verb
    if (parameter === ':') {
      names.push(name)
      place = place.any ??= emptyPlace()
    } else {
      const next = place.words.get(name) ?? emptyPlace()
      place.words.set(name, next)
      place = next
    }
  }
  const [serve] = stack as [RequestMiddleware]
  for (const method of layer.methods) {
    const at = ending(method, action)
    // the router would take the first too
    if (!place.routes.has(at)) place.routes.set(at, { serve, names })
  }
}

function find(root: Place, method: string, path: string) {
  if (!plain.test(path)) return undefined
  const colon = path.lastIndexOf(':')
  const action = colon < 0 ? undefined : path.slice(colon + 1)
  const segments = (colon < 0 ? path : path.slice(0, colon)).split('/')
  const given: string[] = []
  let place: Place | undefined = root
  for (let at = 1; place !== undefined && at < segments.length; at++) {
    const segment = segments[at] as string
    const word: Place | undefined = place.words.get(segment)
    if (word === undefined) given.push(segment)
    place = word ?? place.any
  }
  const route = place?.routes.get(ending(method, action))
  if (route === undefined) return undefined
  const params: Record<string, string> = {}
  route.names.forEach((name, at) => (params[name] = given[at] ?? ''))
  return { serve: route.serve, params }
}
