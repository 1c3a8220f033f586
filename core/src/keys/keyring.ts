import { type KeyRef, type KeyUsage, type Op, WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import type { Call, Permission } from '../call.ts'
import type { Expectation } from '../engine-api.ts'
import type { Authorize } from '../policy/authorize.ts'
import type { Change, Repository } from '../records/repository.ts'
import { change } from '../records/repository.ts'
import { requireSpace } from '../spaces/service.ts'
import {
  keyId,
  type KeyRecord,
  keys,
  keyVersions,
  versionId,
  type VersionRecord,
  type VersionState,
} from './collection.ts'
import { allows, type OperationKind } from './lifecycle.ts'
import type { KeyView } from './model.ts'
import { refOf } from './refs.ts'

/** A key as read, with the revision it was read at. */
export interface FoundKey extends KeyRecord {
  readonly generation: number
}

/** What every service on keys does first and last: let a caller in, find a key, choose a version, write a change. */
export class Keyring {
  readonly repository: Repository
  readonly #authorize: Authorize
  /** Counts changes of keys per space, for caches of listings. */
  readonly #changes = new Map<string, number>()

  constructor(repository: Repository, authorize: Authorize) {
    this.repository = repository
    this.#authorize = authorize
  }

  /** Lets an authorised caller into a space that exists. */
  async enter(call: Call, space: string, permission: Permission, action: string): Promise<void> {
    await this.#authorize(call, { space, permission, action })
    requireSpace(this.repository, space)
  }

  /** @throws WarderError `key-not-found`. */
  async find(space: string, name: string, op: Op): Promise<FoundKey> {
    const found = await this.repository.read(keys, keyId(space, name), op)
    if (found === undefined) throw unknownKey(space)
    return { ...found.value, generation: found.revision }
  }

  /** As {@link find}, for a use of the key: see {@link Repository.readToUse}. */
  async findToUse(space: string, name: string, op: Op): Promise<KeyRecord> {
    const found = await this.repository.readToUse(keys, keyId(space, name), op)
    if (found === undefined) throw unknownKey(space)
    return found.value
  }

  async versionRecord(key: KeyRecord, number: number, op: Op): Promise<VersionRecord> {
    return (await this.repository.require(keyVersions, versionId(key.id, number), op)).value
  }

  async versionToUse(key: KeyRecord, number: number, op: Op): Promise<VersionRecord> {
    return (await this.repository.requireToUse(keyVersions, versionId(key.id, number), op)).value
  }

  /** Where the HSM has this version, for a use. @throws WarderError `wrong-state` once it was destroyed. */
  async refToUse(key: KeyRecord, number: number, op: Op): Promise<KeyRef> {
    return refOf(await this.versionToUse(key, number, op))
  }

  /** Runs `work` on a key while nobody else changes it, if it is at the generation expected. */
  change<T>(space: string, name: string, expect: Expectation, op: Op, work: (key: FoundKey) => Promise<T>): Promise<T> {
    return this.repository.exclusive(keys, keyId(space, name), async () => {
      const key = await this.find(space, name, op)
      if (expect !== 'any' && (expect.generation !== key.generation || expect.id !== key.id)) {
        throw new WarderError('precondition-failed', `The key was changed: it is at generation ${key.generation}.`, {
          facts: { generation: key.generation },
        })
      }
      return work(key)
    })
  }

  /** Journals and writes a key's next state, after `others` of its records. Call it inside {@link change}. */
  async write(
    draft: EventDraft,
    { generation, ...key }: FoundKey,
    op: Op,
    others: readonly Change[] = [],
  ): Promise<KeyView> {
    const expect = generation === 0 ? 'absent' : generation
    await this.repository.write(draft, [...others, change(keys, keyId(key.space, key.name), expect, key)], op)
    this.#changes.set(key.space, this.changes(key.space) + 1)
    return viewOf({ ...key, generation: generation + 1 })
  }

  /** Grows with every change of a key in the space by this process. */
  changes(space: string): number {
    return this.#changes.get(space) ?? 0
  }
}

const unknownKey = (space: string): WarderError =>
  new WarderError('key-not-found', `There is no key of that name in space ${space}.`)

/** What callers see: the record without what is only for us. */
export function viewOf({ versions, ...key }: FoundKey): KeyView {
  return { ...key, versions: versions.map(({ resumesTo: _, ...version }) => version) }
}

/** @throws WarderError `version-not-found`. */
export function versionOf(key: KeyRecord, number: number): VersionState {
  const found = key.versions.find(version => version.number === number)
  if (found === undefined)
    throw new WarderError('version-not-found', `This key has no version ${number}.`, { facts: { field: 'version' } })
  return found
}

/** @throws WarderError `usage-not-allowed`. */
export function requireUsage(key: KeyRecord, usage: KeyUsage): void {
  if (key.usage === usage) return
  throw new WarderError('usage-not-allowed', `This key was made to ${key.usage}, and a key serves one purpose.`, {
    facts: { usage: key.usage },
  })
}

/**
 * The version an operation may use: the one named, or the primary.
 * @throws WarderError `version-not-found`, `version-below-minimum`, or `wrong-state` when the table of states forbids it.
 */
export function requireVersion(key: KeyRecord, kind: OperationKind, number: number = key.primary): VersionState {
  const version = versionOf(key, number)
  if (!allows(key.state, version.state, kind)) {
    const facts = { state: key.state, version: number, versionState: version.state }
    throw new WarderError(
      'wrong-state',
      `The key is ${key.state} and its version ${number} ${version.state}: it may not ${kind}.`,
      { facts },
    )
  }
  const minimum = kind === 'protect' ? key.minEncryptVersion : key.minDecryptVersion
  if (number < minimum) {
    throw new WarderError('version-below-minimum', `Versions below ${minimum} may no longer ${kind}.`, {
      facts: { version: number, minimum },
    })
  }
  return version
}
