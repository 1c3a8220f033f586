import { randomUUID } from 'node:crypto'
import {
  type GeneratedKey,
  type KeyAlgorithm,
  type KeyProvider,
  type KeyUsage,
  type Op,
  WarderError,
} from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import { onBehalfOf } from '../call.ts'
import type { Keys } from '../engine-api.ts'
import { requireName } from '../names.ts'
import { eventOf } from '../policy/authorize.ts'
import { change } from '../records/repository.ts'
import { keyId, keys, keyVersions, versionId } from './collection.ts'
import { type FoundKey, type Keyring, versionOf, viewOf } from './keyring.ts'
import { createLifecycle } from './lifecycle-service.ts'
import { keyAlgorithm, keyUsage, newObjectId, tokenOf, toVersionRecord } from './material.ts'
import type { CreateKey, EditKey, KeyView } from './model.ts'
import { schedule } from './schedule.ts'

export interface KeyParts {
  readonly keyring: Keyring
  readonly list: Keys['list']
  readonly hsm: KeyProvider
  now(): Date
}

export function createKeys({ keyring, list, hsm, now }: KeyParts): Keys {
  return {
    async create(call, space, input) {
      await keyring.enter(call, space, 'write', 'key:create')
      const spec = newKey(input)
      return addKey(
        keyring,
        call,
        { space, ...spec, createdBy: call.principal.identity, now: now() },
        'key:create',
        eventOf(call),
        () => {
          const { algorithm, usage, custody, exportable } = spec
          return hsm.generate({ algorithm, usage, custody, exportable, id: newObjectId() }, onBehalfOf(call, space))
        },
      )
    },

    async get(call, space, name) {
      await keyring.enter(call, space, 'read', 'key:get')
      return viewOf(await keyring.find(space, name, call))
    },

    list,

    async version(call, space, name, number) {
      await keyring.enter(call, space, 'read', 'key:version')
      const key = await keyring.find(space, name, call)
      const { resumesTo: _, ...version } = versionOf(key, number)
      const { algorithm, spki, checkValue } = await keyring.versionRecord(key, number, call)
      return {
        ...version,
        algorithm,
        ...(spki !== undefined && { spki: Buffer.from(spki, 'base64') }),
        ...(checkValue !== undefined && { checkValue: Buffer.from(checkValue, 'base64') }),
      }
    },

    async publicKey(call, space, name, number) {
      await keyring.enter(call, space, 'read', 'key:publicKey')
      const key = await keyring.find(space, name, call)
      const { number: version } = versionOf(key, number ?? key.primary)
      const { algorithm, spki } = await keyring.versionRecord(key, version, call)
      if (spki === undefined) throw new WarderError('usage-not-allowed', `A ${algorithm} key has no public half.`)
      return { spki: Buffer.from(spki, 'base64'), algorithm, version }
    },

    async edit(call, space, name, expect, changes) {
      await keyring.enter(call, space, 'write', 'key:edit')
      return keyring.change(space, name, expect, call, async key => {
        if (key.state === 'destroyed')
          throw new WarderError('wrong-state', 'The key was destroyed.', { facts: { state: key.state } })
        const next = edited(key, changes, now())
        const subject = { space, key: key.id, name, ...changes }
        return keyring.write(
          { ...eventOf(call), type: 'key-lifecycle', action: 'key:edit', subject, result: 'ok' },
          next,
          call,
        )
      })
    },

    ...createLifecycle({ keyring, hsm, now }),
  }
}

interface NewKey {
  readonly name: string
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyUsage
  readonly custody: 'resident' | 'sealed'
  readonly exportable: boolean
  readonly tags: Readonly<Record<string, string>>
  readonly description: string
  readonly everyDays: number | null
}

/** What the caller asked for, with what they left out. */
export function newKey(input: CreateKey): NewKey {
  const { name, custody = 'sealed', exportable = false, tags = {}, description = '', rotateEveryDays = null } = input
  requireName('name', name)
  const algorithm = keyAlgorithm(input.algorithm)
  if (exportable && custody === 'resident') {
    throw new WarderError(
      'not-exportable',
      'A resident key never leaves the HSM; only a sealed one can be made exportable.',
    )
  }
  return {
    name,
    algorithm,
    usage: keyUsage(algorithm, input.usage),
    custody,
    exportable,
    tags,
    description,
    everyDays: rotateEveryDays,
  }
}

/** Adds a key whose material `make` brings, created or imported. One of those who race for a name wins. */
export function addKey(
  keyring: Keyring,
  op: Op,
  { space, now, createdBy, everyDays, ...spec }: NewKey & { space: string; now: Date; createdBy: string },
  action: string,
  event: Pick<EventDraft, 'correlation' | 'actor' | 'authn'>,
  make: () => Promise<GeneratedKey>,
): Promise<KeyView> {
  const { name, algorithm, usage, custody, exportable, tags, description } = spec
  const id = keyId(space, name)
  return keyring.repository.exclusive(keys, id, async () => {
    if (keyring.repository.has(keys, id)) {
      throw new WarderError('key-exists', `Space ${space} has a key of that name already; names are not used twice.`)
    }
    // Material that no record points at is of no use to anyone: made first, it is an orphan at worst.
    const made = await make()
    const createdAt = now.toISOString()
    const key: FoundKey = {
      id: randomUUID(),
      space,
      ...spec,
      state: 'enabled',
      destroyAt: null,
      primary: 1,
      minDecryptVersion: 1,
      minEncryptVersion: 1,
      rotation: schedule(everyDays, now),
      versions: [{ number: 1, state: 'active', createdAt, deactivatedAt: null, revocation: null, ...tokenOf(made) }],
      createdAt,
      createdBy,
      generation: 0,
    }
    const version = toVersionRecord(made, { key: key.id, number: 1, algorithm, usage, exportable, createdAt })
    const subject = { space, key: key.id, name, algorithm, usage, custody, exportable, version: 1, tags, description }
    const draft: EventDraft = { ...event, type: 'key-lifecycle', action, subject, result: 'ok' }
    return keyring.write(draft, key, op, [change(keyVersions, versionId(key.id, 1), 'absent', version)])
  })
}

function edited(key: FoundKey, changes: EditKey, now: Date): FoundKey {
  const { tags, description, minDecryptVersion, minEncryptVersion, rotateEveryDays } = changes
  const next: FoundKey = {
    ...key,
    ...(tags !== undefined && { tags }),
    ...(description !== undefined && { description }),
    ...(minDecryptVersion !== undefined && { minDecryptVersion }),
    ...(minEncryptVersion !== undefined && { minEncryptVersion }),
    ...(rotateEveryDays !== undefined && { rotation: schedule(rotateEveryDays, now) }),
  }
  for (const field of ['minDecryptVersion', 'minEncryptVersion'] as const) {
    if (next[field] > next.primary) {
      throw new WarderError('malformed-request', `${field} cannot be above the primary version, ${next.primary}.`, {
        facts: { field },
      })
    }
  }
  return next
}
