import { type Op, WarderError } from '@warder/contract'
import { permissions } from './call.ts'
import { closeFoundation, type Foundation, openFoundation, type Ports } from './engine.ts'
import { issueApiKey, readApiKey } from './identity/api-key-secret.ts'
import { issue } from './identity/api-keys.ts'
import { apiKeys } from './identity/collection.ts'

/**
 * Hands out an administrator's key, which is kept nowhere. It is handed out before it begins to work, so that no crash can
 * leave an appliance whose only key nobody has: what was handed out by a run that was cut short is taken up by the next.
 */
export interface AdminKeyDelivery {
  /** What an earlier run delivered, in case that was cut short; whatever is no key of this appliance counts as nothing. */
  readonly delivered: string | undefined
  /** Durable when it resolves. When it rejects, no key is made. Not called when what was delivered is taken up. */
  deliver(key: string): Promise<void>
}

/** An administrator's key made on the host does not last: it is there to make others with. In days. */
const adminKeyDays = 365

/** The event it is journaled as; `api-key:create` unless told. */
type Event = { readonly correlation: string; readonly actor: string; readonly action?: string }

/**
 * Issues an API key that may do everything, everywhere.
 * @throws WarderError `wrong-state` when what was delivered works already
 */
export async function issueAdminKey(
  { repository, keys }: Foundation,
  { now }: Ports,
  event: Event,
  { delivered, deliver }: AdminKeyDelivery,
  op: Op,
): Promise<string> {
  const checkKey = keys.apiKeyCheck
  const taken = delivered === undefined ? undefined : readApiKey(checkKey, delivered)
  const key =
    delivered === undefined || taken === undefined ? issueApiKey(checkKey) : { ...taken, presented: delivered }
  if (repository.has(apiKeys, key.id)) {
    throw new WarderError('wrong-state', 'A key that works is there already; nothing was changed.')
  }
  if (taken === undefined) await deliver(key.presented)
  const expiresAt = new Date(now().getTime() + adminKeyDays * 86_400_000).toISOString()
  const parts = { repository, checkKey, now, createdBy: 'system' }
  await issue(parts, { identity: 'administrator', spaces: '*', permissions, expiresAt }, event, op, key)
  return key.presented
}

/**
 * Issues an administrator's key to whoever has the host, when every other one is lost; journaled as `admin:recover`. All
 * other keys stay as they are.
 */
export async function recoverAdministrator(ports: Ports, delivery: AdminKeyDelivery, op: Op): Promise<string> {
  const foundation = await openFoundation(ports, op)
  const event = { correlation: 'recover', actor: 'system', action: 'admin:recover' }
  try {
    return await issueAdminKey(foundation, ports, event, delivery, op)
  } finally {
    await closeFoundation(foundation)
  }
}
