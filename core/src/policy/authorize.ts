import { WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import type { Call, Permission, Principal } from '../call.ts'

/** Where an act takes place; acts of the whole appliance take place in `root`. */
export const rootSpace = 'root'

/** Default deny: only a credential that names the space (or all) and the permission passes. */
export function permits(
  principal: Pick<Principal, 'spaces' | 'permissions'>,
  space: string,
  permission: Permission,
): boolean {
  return (principal.spaces === '*' || principal.spaces.includes(space)) && principal.permissions.includes(permission)
}

export type Authorize = (call: Call, act: { space: string; permission: Permission; action: string }) => Promise<void>

/**
 * Lets a permitted call pass; its use or change is journaled by the service. A denial is journaled here, durably, before
 * the caller hears of it, and says nothing about what exists in that space.
 */
export function createAuthorize(journal: Journal): Authorize {
  return async (call, { space, permission, action }) => {
    if (permits(call.principal, space, permission)) return
    const subject = { space, permission }
    await journal.append({ ...eventOf(call), type: 'authorization', action, subject, result: 'forbidden' })
    throw new WarderError('forbidden', `This credential may not ${permission} in space ${space}.`, {
      facts: { permission },
    })
  }
}

/** The part of an event that every act of a call has in common. */
export function eventOf({ principal, requestId }: Call): Required<Pick<EventDraft, 'correlation' | 'actor' | 'authn'>> {
  const { identity, method, credential, sourceIp } = principal
  return { correlation: requestId, actor: identity, authn: { method, credential, sourceIp } }
}
