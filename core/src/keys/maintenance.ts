import type { KeyProvider, Log, Op, Store } from '@warder/contract'
import type { Journal } from '../audit/journal.ts'
import { onBehalfOf } from '../call.ts'
import { change } from '../records/repository.ts'
import { type KeyRecord, keys, keyVersions } from './collection.ts'
import { forgetVersion } from './forget.ts'
import type { FoundKey, Keyring } from './keyring.ts'
import { nextKeyState } from './lifecycle.ts'
import { rotateKey } from './lifecycle-service.ts'

interface MaintenanceParts {
  readonly keyring: Keyring
  readonly store: Store
  readonly journal: Journal
  readonly hsm: KeyProvider
  readonly log: Log
  now(): Date
}

const systemEvent = { correlation: 'maintenance', actor: 'system' } as const

/** Rotates what is due by age and destroys what has passed its window. Safe to repeat, and to stop anywhere. */
export async function maintainKeys(parts: MaintenanceParts, op: Op): Promise<void> {
  const { keyring, store, log, now } = parts
  let after: string | undefined
  do {
    const page = await store.query(
      keys.name,
      { where: { scheduled: true }, limit: 100, ...(after !== undefined && { after }) },
      op,
    )
    for (const { id } of page.records) {
      const found = await keyring.repository.read(keys, id, op)
      if (found === undefined || due(found.value, now()) === undefined) continue
      const { space, name } = found.value
      await keyring
        .change(space, name, 'any', op, key => act(parts, key, op))
        .catch((cause: unknown) =>
          log.error('maintenance of a key failed', { key: found.value.id, cause: String(cause) }),
        )
    }
    after = page.next
  } while (after !== undefined)
}

function due({ state, destroyAt, rotation }: KeyRecord, now: Date): 'destroy' | 'rotate' | undefined {
  const passed = (at: string | null): boolean => at !== null && Date.parse(at) <= now.getTime()
  if (state === 'pending-destruction' && passed(destroyAt)) return 'destroy'
  if (state === 'enabled' && passed(rotation.nextAt)) return 'rotate'
  return undefined
}

async function act(parts: MaintenanceParts, key: FoundKey, op: Op): Promise<void> {
  const what = due(key, parts.now())
  if (what === 'rotate') await rotateKey(parts, key, systemEvent, op, true)
  if (what === 'destroy') await destroyKey(parts, key, op)
}

/**
 * Destroys the key material: resident keys in the HSM, with a read-back; sealed ones by writing their records without it.
 * The key record stays, so that its name is never used again.
 */
async function destroyKey({ keyring, journal, hsm, now }: MaintenanceParts, key: FoundKey, op: Op): Promise<void> {
  const state = nextKeyState(key.state, 'destroy')
  if (state === undefined) return
  const { id, space, name } = key
  const draft = {
    ...systemEvent,
    type: 'key-lifecycle',
    action: 'key:purge',
    subject: { space, key: id, name },
  } as const
  await journal.append({ ...draft, result: 'pending' })
  const { repository } = keyring
  // One more than the key points at, if a crash in the middle of a rotation left it.
  for (const record of repository.ids(keyVersions, { prefix: `${id}/`, limit: key.versions.length + 1 })) {
    // A rotation of the root key may be rewrapping it: whoever comes second sees what the first has done.
    await repository.exclusive(keyVersions, record, async () => {
      const found = await repository.require(keyVersions, record, op)
      const { private: half, algorithm, usage } = found.value
      if (half === null) return
      if (half.custody === 'resident')
        await hsm.destroy({ custody: 'resident', algorithm, usage, id: half.id }, onBehalfOf(op, space))
      const emptied = change(keyVersions, record, found.revision, { ...found.value, private: null })
      await repository.write({ ...draft, result: 'ok' }, [emptied], op)
      await forgetVersion(hsm, found.value)
    })
  }
  const deactivatedAt = now().toISOString()
  const versions = key.versions.map(({ resumesTo: _, ...version }) => ({
    ...version,
    state: 'destroyed' as const,
    deactivatedAt: version.deactivatedAt ?? deactivatedAt,
  }))
  await keyring.write(
    { ...draft, result: 'ok' },
    { ...key, state, versions, rotation: { everyDays: null, nextAt: null } },
    op,
  )
}
