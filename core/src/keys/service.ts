import { randomBytes, randomUUID } from 'node:crypto'
import { type KeyProvider, type KeyRef, WarderError } from '@warder/contract'
import type { EventDraft } from '../audit/event.ts'
import type { Journal } from '../audit/journal.ts'
import type { Call, Permission } from '../call.ts'
import type { Keys } from '../engine-api.ts'
import { requireName } from '../names.ts'
import { type Authorize, eventOf } from '../policy/authorize.ts'
import { readPage } from '../records/page.ts'
import { change, type Repository } from '../records/repository.ts'
import { requireSpace } from '../spaces/service.ts'
import { keyId, type KeyRecord, keys, keyVersions, versionId, type VersionRecord } from './collection.ts'
import type { KeyView } from './model.ts'
import { derFromRaw, keyAlgorithm, signatureAlgorithm, signatureFormat, signingInput } from './signature.ts'
import { signatureIsValid } from './verify-signature.ts'

export interface KeyParts {
  readonly repository: Repository
  readonly journal: Journal
  readonly hsm: KeyProvider
  readonly authorize: Authorize
  now(): Date
}

export function createKeys({ repository, journal, hsm, authorize, now }: KeyParts): Keys {
  /** Authorised, in a space that exists. */
  async function enter(call: Call, space: string, permission: Permission, action: string): Promise<void> {
    await authorize(call, { space, permission, action })
    requireSpace(repository, space)
  }

  async function find(call: Call, space: string, name: string): Promise<KeyRecord & { generation: number }> {
    const found = await repository.read(keys, keyId(space, name), call)
    if (found === undefined) throw new WarderError('key-not-found', `There is no key of that name in space ${space}.`)
    return { ...found.value, generation: found.revision }
  }

  async function findVersion(call: Call, key: KeyRecord, number = key.primary): Promise<VersionRecord> {
    if (!key.versions.some(version => version.number === number)) {
      throw new WarderError('version-not-found', `This key has no version ${number}.`, { facts: { field: 'version' } })
    }
    return (await repository.require(keyVersions, versionId(key.id, number), call)).value
  }

  return {
    async create(call, space, input) {
      await enter(call, space, 'write', 'key:create')
      const { name, custody = 'sealed', tags = {}, description = '' } = input
      requireName('name', name)
      const algorithm = keyAlgorithm(input.algorithm)
      const id = keyId(space, name)
      return repository.exclusive(keys, id, async () => {
        if (repository.has(keys, id))
          throw new WarderError(
            'key-exists',
            `Space ${space} has a key of that name already; names are not used twice.`,
          )
        // A key that no record points at is of no use to anyone: made first, it is an orphan at worst.
        const made = await hsm.generate({ algorithm, custody, id: randomBytes(16).toString('hex') }, call)
        const createdAt = now().toISOString()
        const key: KeyRecord = {
          id: randomUUID(),
          space,
          name,
          algorithm,
          custody,
          usages: ['sign'],
          tags,
          description,
          primary: 1,
          versions: [{ number: 1, state: 'active', createdAt }],
          createdAt,
          createdBy: call.principal.identity,
        }
        const version: VersionRecord = {
          key: key.id,
          number: 1,
          algorithm,
          spki: Buffer.from(made.spki).toString('base64'),
          private: toStored(made.ref),
          createdAt,
        }
        const subject = { space, key: key.id, name, algorithm, custody, version: 1, tags, description }
        const draft: EventDraft = {
          ...eventOf(call),
          type: 'key-lifecycle',
          action: 'key:create',
          subject,
          result: 'ok',
        }
        await repository.write(
          draft,
          [change(keyVersions, versionId(key.id, 1), 'absent', version), change(keys, id, 'absent', key)],
          call,
        )
        return { ...key, generation: 1 } satisfies KeyView
      })
    },

    async get(call, space, name) {
      await enter(call, space, 'read', 'key:get')
      return find(call, space, name)
    },

    async list(call, space, query) {
      await enter(call, space, 'read', 'key:list')
      const { items, ...rest } = await readPage(repository, keys, { ...query, prefix: `${space}/` }, call)
      const withGeneration = items.map(key => ({
        ...key,
        generation: repository.revision(keys, keyId(space, key.name)) ?? 0,
      }))
      return { items: withGeneration, ...rest }
    },

    async publicKey(call, space, name, number) {
      await enter(call, space, 'read', 'key:publicKey')
      const version = await findVersion(call, await find(call, space, name), number)
      return { spki: Buffer.from(version.spki, 'base64'), algorithm: version.algorithm, version: version.number }
    },

    async sign(call, space, name, input) {
      await enter(call, space, 'use', 'key:sign')
      const key = await find(call, space, name)
      const algorithm = signatureAlgorithm(key.algorithm, input.algorithm)
      const format = signatureFormat(algorithm, input.format)
      const digest = signingInput(algorithm, input)
      const version = await findVersion(call, key, input.version)
      const subject = { space, key: key.id, name, version: version.number, algorithm, input: digest }
      const event = { ...eventOf(call), type: 'key-use', action: 'key:sign', subject } as const
      let signature: Uint8Array
      try {
        signature = await hsm.sign(toRef(version), algorithm, digest, call)
      } catch (error) {
        await journal.append({ ...event, result: WarderError.is(error) ? error.code : 'internal' })
        throw error
      }
      await journal.append({ ...event, result: 'ok' })
      return {
        signature: format === 'der' ? derFromRaw(signature) : signature,
        algorithm,
        format,
        version: version.number,
      }
    },

    async verify(call, space, name, input) {
      await enter(call, space, 'read', 'key:verify')
      const key = await find(call, space, name)
      const algorithm = signatureAlgorithm(key.algorithm, input.algorithm)
      const format = signatureFormat(algorithm, input.format)
      const prehashed = input.prehashed ?? false
      signingInput(algorithm, input)
      const version = await findVersion(call, key, input.version)
      const spki = Buffer.from(version.spki, 'base64')
      const valid = signatureIsValid({ ...input, spki, key: key.algorithm, algorithm, format, prehashed })
      return { valid, algorithm, version: version.number }
    },
  }
}

function toStored(ref: KeyRef): VersionRecord['private'] {
  return ref.custody === 'resident'
    ? { custody: 'resident', id: ref.id }
    : { custody: 'sealed', rootKey: ref.rootKey, blob: Buffer.from(ref.blob).toString('base64') }
}

function toRef({ algorithm, private: stored }: VersionRecord): KeyRef {
  return stored.custody === 'resident'
    ? { custody: 'resident', algorithm, id: stored.id }
    : { custody: 'sealed', algorithm, rootKey: stored.rootKey, blob: Buffer.from(stored.blob, 'base64') }
}
