import type { Op } from '@warder/contract'

/**
 * Glossary
 * - *space*: the tenant boundary. Keys and credentials belong to spaces; nothing crosses by default.
 * - *identity*: a person or a service. *credential*: what it presented.
 * - *principal*: the identity as authenticated on this request.
 * - *call*: one request of one principal, as every service of the engine takes it.
 */
export const permissions = ['read', 'use', 'write', 'delete', 'consolidate', 'introspect', 'admin'] as const
export type Permission = (typeof permissions)[number]

export interface Principal {
  readonly identity: string
  readonly credential: string
  /** `local`: who has the host, by a command there while the appliance is down. */
  readonly method: 'api-key' | 'local'
  /** The spaces this credential may act in; `'*'` is every space, present and future. */
  readonly spaces: readonly string[] | '*'
  readonly permissions: readonly Permission[]
  readonly sourceIp: string
}

export interface Call {
  readonly principal: Principal
  /** Names this request in answers, logs and the journal. */
  readonly requestId: string
  /** Aborted when the caller has gone or the deadline has passed. */
  readonly signal: AbortSignal
}

/** What the HSM is told of a call: until when, and whom its work is for. */
export function onBehalfOf({ signal }: Op, space: string): Op {
  return { signal, tenant: space }
}
