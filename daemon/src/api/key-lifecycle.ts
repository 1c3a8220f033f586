import { z } from 'zod'
import { moment, version } from './fields.ts'
import { entityOfKey, key, keyMember, ofKey, revocationReason } from './key-fields.ts'
import { operation } from './operation.ts'

/** What every act on a key has in common: it answers the key as it is now, with its ETag. */
const ofAct = { method: 'POST', params: ofKey, response: key, status: 200, entity: entityOfKey } as const

const rotate = operation({
  ...ofAct,
  id: 'rotateKey',
  path: `${keyMember}:rotate`,
  permission: 'write',
  summary: 'Make a new version and let it protect from now on; the one before is deactivated',
  ifMatch: 'required',
  idempotency: 'kept',
  handle: (engine, call, { params, expect }) => engine.keys.rotate(call, params.space, params.key, expect),
})

const rollback = operation({
  ...ofAct,
  id: 'rollbackKey',
  path: `${keyMember}:rollback`,
  permission: 'write',
  summary: 'Let a deactivated version protect again',
  request: z.strictObject({ version }),
  ifMatch: 'required',
  handle: (engine, call, { params, body, expect }) =>
    engine.keys.rollback(call, params.space, params.key, expect, body.version),
})

const enable = operation({
  ...ofAct,
  id: 'enableKey',
  path: `${keyMember}:enable`,
  permission: 'write',
  summary: 'Let a disabled key be used again',
  ifMatch: 'optional',
  handle: (engine, call, { params, expect }) => engine.keys.enable(call, params.space, params.key, expect),
})

const disable = operation({
  ...ofAct,
  id: 'disableKey',
  path: `${keyMember}:disable`,
  permission: 'write',
  summary: 'Stop every use of a key until it is enabled',
  ifMatch: 'optional',
  handle: (engine, call, { params, expect }) => engine.keys.disable(call, params.space, params.key, expect),
})

const suspend = operation({
  ...ofAct,
  id: 'suspendKeyVersion',
  path: `${keyMember}:suspend`,
  permission: 'write',
  summary: 'Stop every use of one version until it is resumed',
  request: z.strictObject({ version }),
  ifMatch: 'optional',
  handle: (engine, call, { params, body, expect }) =>
    engine.keys.suspend(call, params.space, params.key, expect, body.version),
})

const resume = operation({
  ...ofAct,
  id: 'resumeKeyVersion',
  path: `${keyMember}:resume`,
  permission: 'write',
  summary: 'Put a suspended version back to the state it was suspended in',
  request: z.strictObject({ version }),
  ifMatch: 'optional',
  handle: (engine, call, { params, body, expect }) =>
    engine.keys.resume(call, params.space, params.key, expect, body.version),
})

const revoke = operation({
  ...ofAct,
  id: 'revokeKey',
  path: `${keyMember}:revoke`,
  permission: 'delete',
  summary: 'Mark one version, or all when none is named, as compromised, for good',
  request: z.strictObject({ version: version.optional(), reason: revocationReason, date: moment.optional() }),
  ifMatch: 'optional',
  handle: (engine, call, { params, body, expect }) => engine.keys.revoke(call, params.space, params.key, expect, body),
})

const destroy = operation({
  ...ofAct,
  id: 'destroyKey',
  path: `${keyMember}:destroy`,
  permission: 'delete',
  summary: 'Stop every use of a key and destroy it when its window has passed; until then it can be restored',
  request: z.strictObject({ windowDays: z.int().min(7).max(30).optional() }),
  bodyOptional: true,
  ifMatch: 'required',
  handle: (engine, call, { params, body, expect }) =>
    engine.keys.destroy(call, params.space, params.key, expect, body.windowDays),
})

const restore = operation({
  ...ofAct,
  id: 'restoreKey',
  path: `${keyMember}:restore`,
  permission: 'delete',
  summary: 'Take a destruction back while its window is open; the key comes back disabled',
  ifMatch: 'required',
  handle: (engine, call, { params, expect }) => engine.keys.restore(call, params.space, params.key, expect),
})

export const keyLifecycleOperations = [
  rotate,
  rollback,
  enable,
  disable,
  suspend,
  resume,
  revoke,
  destroy,
  restore,
] as const
