import type { Engine, Principal } from '@warder/core'
import { WarderError } from '@warder/contract'
import type { RequestContext } from './context.ts'

const bearer = /^Bearer +([^\s]+) *$/i

/**
 * Who is calling, by `Authorization: Bearer wrd_…` (RFC 6750). The address is the connection's own: no header of the
 * caller's is believed about it.
 * @throws WarderError `missing-credentials` when there are none or of another scheme, `invalid-credentials`; both are
 *   in the journal before this rejects.
 */
export async function authenticate(engine: Engine, ctx: RequestContext): Promise<Principal> {
  const from = { sourceIp: sourceOf(ctx), requestId: ctx.state.requestId, signal: ctx.state.signal }
  const presented = bearer.exec(ctx.req.headers.authorization ?? '')?.[1]
  if (presented === undefined) {
    await engine.apiKeys.recordMissing(from)
    throw new WarderError('missing-credentials', 'an API key is required, as Authorization: Bearer')
  }
  return engine.apiKeys.authenticate(presented, from)
}

/** IPv4 over a dual-stack socket is written as IPv4, so that one caller has one address. */
function sourceOf(ctx: RequestContext): string {
  const address = ctx.req.socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
