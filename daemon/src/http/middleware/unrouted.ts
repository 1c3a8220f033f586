import { WarderError } from '@warder/contract'
import type { RouterContext } from '@koa/router'
import type { RequestContext } from '../context.ts'

/**
 * Comes after the routes: what no operation took. Names never contain a colon, so one in the last segment is always an
 * action: it finds only routes that end in one, and `GET …/keys/name:sign` is the wrong method, not a strange name.
 */
export function unrouted(ctx: RequestContext & Partial<Pick<RouterContext, 'matched'>>): never {
  const action = isAction(ctx.path)
  const allowed = new Set<string>()
  for (const layer of ctx.matched ?? []) {
    if (typeof layer.path === 'string' && isAction(layer.path.replace(/\/:/g, '/')) === action) {
      for (const method of layer.methods) allowed.add(method)
    }
  }
  if (allowed.size === 0) throw new WarderError('route-not-found', 'there is no such route')
  const methods = [...allowed].sort()
  ctx.set('Allow', methods.join(', '))
  throw new WarderError('method-not-allowed', `the route takes ${methods.join(' and ')}`, { facts: { allow: methods } })
}

/** True for `…/name:verb`. A parameter's own leading colon does not count. */
export const isAction = (path: string): boolean => actionOf(path) !== undefined

/** The `verb` of `…/name:verb`. */
export function actionOf(path: string): string | undefined {
  const at = path.lastIndexOf(':')
  return at > path.lastIndexOf('/') ? path.slice(at + 1) : undefined
}
