import { type KeyProvider, type Op, WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import { type Call, onBehalfOf, type Permission } from '../call.ts'
import type { Expectation, Keys } from '../engine-api.ts'
import { eventOf } from '../policy/authorize.ts'
import { change } from '../records/repository.ts'
import { keyVersions, versionId, type VersionState } from './collection.ts'
import { forgetKey } from './forget.ts'
import { type FoundKey, type Keyring, versionOf } from './keyring.ts'
import { type KeyEvent, nextKeyState, nextVersionState, type VersionEvent } from './lifecycle.ts'
import { newObjectId, tokenOf, toVersionRecord } from './material.ts'
import type { KeyView } from './model.ts'
import { day, schedule } from './schedule.ts'

type Lifecycle = Pick<
  Keys,
  'rotate' | 'rollback' | 'enable' | 'disable' | 'suspend' | 'resume' | 'revoke' | 'destroy' | 'restore'
>
type Event = Pick<EventDraft, 'correlation' | 'actor' | 'authn'>

interface Parts {
  readonly keyring: Keyring
  readonly hsm: KeyProvider
  now(): Date
}

export const destroyWindow = { least: 7, most: 30 } as const

/** Acts after which a key, or a version of it, may do less than before. */
const ending: ReadonlySet<string> = new Set(['key:disable', 'key:suspend', 'key:revoke', 'key:destroy'])

/** The acts that change a key's state; what is possible is decided by the table in `lifecycle.ts` alone. */
export function createLifecycle(parts: Parts): Lifecycle {
  const { keyring, now } = parts

  /** Enters, takes the key for itself, and writes the state that `next` gives. */
  async function act(
    call: Call,
    at: { space: string; name: string; expect: Expectation },
    permission: Permission,
    action: string,
    next: (key: FoundKey) => FoundKey,
    subject: Record<string, unknown> = {},
  ): Promise<KeyView> {
    const { space, name, expect } = at
    await keyring.enter(call, space, permission, action)
    const changed = await keyring.change(space, name, expect, call, key => {
      const draft: EventDraft = {
        ...eventOf(call),
        type: 'key-lifecycle',
        action,
        subject: { space, key: key.id, name, ...subject },
        result: 'ok',
      }
      return keyring.write(draft, next(key), call)
    })
    if (ending.has(action)) await forgetKey(parts, changed)
    return changed
  }

  return {
    async rotate(call, space, name, expect) {
      await keyring.enter(call, space, 'write', 'key:rotate')
      return keyring.change(space, name, expect, call, key => rotateKey(parts, key, eventOf(call), call))
    },

    rollback: (call, space, name, expect, version) =>
      act(call, { space, name, expect }, 'write', 'key:rollback', key => promote(key, version, now()), { version }),

    enable: (call, space, name, expect) =>
      act(call, { space, name, expect }, 'write', 'key:enable', key => withKeyEvent(key, 'enable')),

    disable: (call, space, name, expect) =>
      act(call, { space, name, expect }, 'write', 'key:disable', key => withKeyEvent(key, 'disable')),

    suspend: (call, space, name, expect, version) =>
      act(
        call,
        { space, name, expect },
        'write',
        'key:suspend',
        key => withVersionEvent(key, version, 'suspend', now()),
        { version },
      ),

    resume: (call, space, name, expect, version) =>
      act(
        call,
        { space, name, expect },
        'write',
        'key:resume',
        key => withVersionEvent(key, version, 'resume', now()),
        { version },
      ),

    revoke: (call, space, name, expect, { version, reason, date }) =>
      act(
        call,
        { space, name, expect },
        'delete',
        'key:revoke',
        key => revoked(key, version, { reason, at: date ?? now().toISOString() }, now()),
        {
          version,
          reason,
          date,
        },
      ),

    destroy: (call, space, name, expect, windowDays = destroyWindow.most) => {
      const destroyAt = new Date(now().getTime() + windowDays * day).toISOString()
      const next = (key: FoundKey): FoundKey => {
        if (!(windowDays >= destroyWindow.least && windowDays <= destroyWindow.most)) {
          const message = `windowDays is ${destroyWindow.least} to ${destroyWindow.most}.`
          throw new WarderError('malformed-request', message, { facts: { field: 'windowDays' } })
        }
        return { ...withKeyEvent(key, 'schedule-destruction'), destroyAt }
      }
      return act(call, { space, name, expect }, 'delete', 'key:destroy', next, { windowDays, destroyAt })
    },

    restore: (call, space, name, expect) =>
      act(call, { space, name, expect }, 'delete', 'key:restore', key => {
        // Its material may be half destroyed by now.
        if (key.destroyAt !== null && Date.parse(key.destroyAt) <= now().getTime()) throw wrongState(key, 'restore')
        return { ...withKeyEvent(key, 'restore'), destroyAt: null }
      }),
  }
}

/**
 * Makes a new version in the HSM and lets it take over. A schedule of rotation stays as it was unless it was what asked
 * for this. Call it inside {@link Keyring.change}.
 */
export async function rotateKey(
  { keyring, hsm, now }: Parts,
  key: FoundKey,
  event: Event,
  op: Op,
  bySchedule = false,
): Promise<KeyView> {
  if (key.state !== 'enabled') throw wrongState(key, 'rotate')
  const { id, space, name, algorithm, usage, custody, exportable } = key
  const made = await hsm.generate({ algorithm, usage, custody, exportable, id: newObjectId() }, onBehalfOf(op, space))
  const at = now()
  const createdAt = at.toISOString()
  const number = key.versions.length + 1
  const version = toVersionRecord(made, { key: id, number, algorithm, usage, exportable, createdAt })
  const fresh: VersionState = {
    number,
    state: 'active',
    createdAt,
    deactivatedAt: null,
    revocation: null,
    ...tokenOf(made),
  }
  const next: FoundKey = {
    ...key,
    versions: [...retirePrimary(key, at), fresh],
    primary: number,
    ...(bySchedule && { rotation: schedule(key.rotation.everyDays, at) }),
  }
  const subject = { space, key: id, name, version: number }
  const draft: EventDraft = { ...event, type: 'key-lifecycle', action: 'key:rotate', subject, result: 'ok' }
  const record = versionId(id, number)
  return keyring.repository.exclusive(keyVersions, record, async () => {
    const orphan = await removeOrphan({ keyring, hsm }, record, op)
    return keyring.write(draft, next, op, [change(keyVersions, record, orphan ?? 'absent', version)])
  })
}

/**
 * A crash between the two writes of a rotation leaves a version that its key never came to point at, so nothing was ever
 * done with it. Its record is to be written over; answers at which revision.
 */
async function removeOrphan(
  { keyring, hsm }: Pick<Parts, 'keyring' | 'hsm'>,
  record: string,
  op: Op,
): Promise<number | undefined> {
  const found = await keyring.repository.read(keyVersions, record, op)
  if (found === undefined) return undefined
  const { private: half, algorithm, usage } = found.value
  if (half?.custody === 'resident') await hsm.destroy({ custody: 'resident', algorithm, usage, id: half.id }, op)
  return found.revision
}

function promote(key: FoundKey, number: number, now: Date): FoundKey {
  if (key.state !== 'enabled') throw wrongState(key, 'rollback')
  const { state } = versionOf(key, number)
  if (nextVersionState(state, 'promote', undefined) === undefined) throw wrongState(key, 'rollback', number, state)
  const minimum = Math.max(key.minDecryptVersion, key.minEncryptVersion)
  if (number < minimum) {
    throw new WarderError('version-below-minimum', `Versions below ${minimum} are not to be used.`, {
      facts: { version: number, minimum },
    })
  }
  const versions = retirePrimary(key, now).map(version =>
    version.number === number ? { ...version, state: 'active' as const, deactivatedAt: null } : version,
  )
  return { ...key, versions, primary: number }
}

/** The versions with an active primary deactivated; one in another state stays what it is. */
function retirePrimary(key: FoundKey, now: Date): readonly VersionState[] {
  return key.versions.map(version => {
    if (version.number !== key.primary) return version
    if (version.state === 'suspended' && version.resumesTo === 'active') {
      return { ...version, resumesTo: 'deactivated', deactivatedAt: now.toISOString() }
    }
    return version.state === 'active' ? { ...version, state: 'deactivated', deactivatedAt: now.toISOString() } : version
  })
}

function withKeyEvent(key: FoundKey, event: KeyEvent): FoundKey {
  const state = nextKeyState(key.state, event)
  if (state === undefined) throw wrongState(key, event)
  return { ...key, state }
}

function withVersionEvent(key: FoundKey, number: number, event: VersionEvent, now: Date): FoundKey {
  if (key.state === 'destroyed') throw wrongState(key, event)
  const before = versionOf(key, number)
  const state = nextVersionState(before.state, event, before.resumesTo)
  if (state === undefined) throw wrongState(key, event, number, before.state)
  const { resumesTo: _, ...rest } = before
  const after: VersionState = {
    ...rest,
    state,
    ...(event === 'suspend' && { resumesTo: before.state === 'active' ? 'active' : 'deactivated' }),
    ...(state !== 'active' && state !== 'suspended' && { deactivatedAt: before.deactivatedAt ?? now.toISOString() }),
  }
  return { ...key, versions: key.versions.map(version => (version.number === number ? after : version)) }
}

function revoked(
  key: FoundKey,
  number: number | undefined,
  revocation: NonNullable<VersionState['revocation']>,
  now: Date,
): FoundKey {
  const revokeOne = (from: FoundKey, each: number): FoundKey => {
    const next = withVersionEvent(from, each, 'revoke', now)
    return {
      ...next,
      versions: next.versions.map(version => (version.number === each ? { ...version, revocation } : version)),
    }
  }
  if (number !== undefined) return revokeOne(key, number)
  const open = key.versions.filter(({ state }) => nextVersionState(state, 'revoke', undefined) !== undefined)
  if (open.length === 0) throw wrongState(key, 'revoke')
  return open.reduce((from, version) => revokeOne(from, version.number), key)
}

function wrongState(key: FoundKey, act: string, version?: number, versionState?: string): WarderError {
  const what = version === undefined ? `The key is ${key.state}` : `Version ${version} is ${versionState ?? 'unknown'}`
  return new WarderError('wrong-state', `${what}: ${act} is not possible.`, {
    facts: {
      state: key.state,
      ...(version !== undefined && { version }),
      ...(versionState !== undefined && { versionState }),
    },
  })
}
