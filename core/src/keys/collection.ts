import { keyAlgorithms } from '@warder/contract'
import { z } from 'zod'
import type { Collection } from '../records/repository.ts'
import type { KeyView } from './model.ts'

/** The key record is the aggregate: all that changes about a key or its versions is here. `generation` is its revision. */
export type KeyRecord = Omit<KeyView, 'generation'>

const version = z.strictObject({ number: z.int(), state: z.literal('active'), createdAt: z.string() })

export const keys: Collection<KeyRecord> = {
  name: 'keys',
  schema: z.strictObject({
    id: z.string(),
    space: z.string(),
    name: z.string(),
    algorithm: z.enum(keyAlgorithms),
    custody: z.enum(['resident', 'sealed']),
    usages: z.tuple([z.literal('sign')]),
    tags: z.record(z.string(), z.string()),
    description: z.string(),
    primary: z.int(),
    versions: z.array(version),
    createdAt: z.string(),
    createdBy: z.string(),
  }),
  attributes: ({ space, algorithm, custody, tags }) => ({
    space,
    algorithm,
    custody,
    tags: Object.entries(tags).map(([tag, value]) => `${tag}=${value}`),
  }),
}

/** The immutable artifact of one version: its public key, and where its private half is. */
const versionRecord = z.strictObject({
  key: z.string(),
  number: z.int(),
  algorithm: z.enum(keyAlgorithms),
  spki: z.base64(),
  private: z.discriminatedUnion('custody', [
    z.strictObject({ custody: z.literal('resident'), id: z.string() }),
    z.strictObject({ custody: z.literal('sealed'), rootKey: z.int(), blob: z.base64() }),
  ]),
  createdAt: z.string(),
})

export type VersionRecord = z.infer<typeof versionRecord>

export const keyVersions: Collection<VersionRecord> = {
  name: 'key-versions',
  schema: versionRecord,
  attributes: ({ key }) => ({ key }),
}

export const keyId = (space: string, name: string): string => `${space}/${name}`
export const versionId = (key: string, number: number): string => `${key}/${String(number).padStart(10, '0')}`
