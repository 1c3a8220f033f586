import { keyAlgorithms, keyUsages } from '@warder/contract'
import { z } from 'zod'
import type { Collection } from '../records/repository.ts'
import { keyStates, revocationReasons, versionStates } from './lifecycle.ts'
import type { KeyView, VersionView } from './model.ts'

export interface VersionState extends VersionView {
  /** While suspended: what it goes back to. */
  readonly resumesTo?: 'active' | 'deactivated'
}

/** The key record is the aggregate: all that changes about a key or its versions is here. `generation` is its revision. */
export interface KeyRecord extends Omit<KeyView, 'generation' | 'versions'> {
  readonly versions: readonly VersionState[]
}

const version = z.strictObject({
  number: z.int(),
  state: z.enum(versionStates),
  resumesTo: z.enum(['active', 'deactivated']).exactOptional(),
  createdAt: z.string(),
  deactivatedAt: z.string().nullable(),
  revocation: z.strictObject({ reason: z.enum(revocationReasons), at: z.string() }).nullable(),
  token: z.string().exactOptional(),
})

export const keys: Collection<KeyRecord> = {
  name: 'keys',
  schema: z.strictObject({
    id: z.string(),
    space: z.string(),
    name: z.string(),
    algorithm: z.enum(keyAlgorithms),
    usage: z.enum(keyUsages),
    custody: z.enum(['resident', 'sealed']),
    exportable: z.boolean(),
    tags: z.record(z.string(), z.string()),
    description: z.string(),
    state: z.enum(keyStates),
    destroyAt: z.string().nullable(),
    primary: z.int(),
    minDecryptVersion: z.int(),
    minEncryptVersion: z.int(),
    rotation: z.strictObject({ everyDays: z.int().nullable(), nextAt: z.string().nullable() }),
    versions: z.array(version),
    createdAt: z.string(),
    createdBy: z.string(),
  }),
  attributes: ({ space, state, algorithm, custody, tags, destroyAt, rotation }) => ({
    space,
    state,
    algorithm,
    custody,
    tags: Object.entries(tags).flatMap(([tag, value]) => [tag, `${tag}=${value}`]),
    /** What maintenance looks for. */
    scheduled: rotation.nextAt !== null || (destroyAt !== null && state !== 'destroyed'),
  }),
}

/** The artifact of one version: its public key or check value, and where its private half is. */
const versionRecord = z.strictObject({
  key: z.string(),
  number: z.int(),
  algorithm: z.enum(keyAlgorithms),
  usage: z.enum(keyUsages),
  exportable: z.boolean(),
  spki: z.base64().exactOptional(),
  checkValue: z.base64().exactOptional(),
  /** `null` once it was destroyed. */
  private: z
    .discriminatedUnion('custody', [
      z.strictObject({ custody: z.literal('resident'), id: z.string(), token: z.string().exactOptional() }),
      z.strictObject({ custody: z.literal('sealed'), rootKey: z.int(), blob: z.base64() }),
    ])
    .nullable(),
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
