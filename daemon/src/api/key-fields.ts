import { keyAlgorithms, keyUsages } from '@warder/contract'
import { keyStates, revocationReasons, versionStates } from '@warder/core'
import { z } from 'zod'
import { description, label, moment, name, tags, version } from './fields.ts'
import type { Entity } from './operation.ts'

export const keyCollection = '/v1/spaces/{space}/keys'
export const keyMember = '/v1/spaces/{space}/keys/{key}'

export const inSpace = z.strictObject({ space: name })
export const ofKey = z.strictObject({ space: name, key: name })

export const custody = z.enum(['resident', 'sealed'])
export const keyState = z.enum(keyStates)
export const rotateEveryDays = z.int().min(1).max(3650).nullable()

export const revocationReason = z.enum(revocationReasons)

export const keyVersion = z.object({
  number: version,
  state: z.enum(versionStates),
  createdAt: moment,
  deactivatedAt: moment.nullable(),
  revocation: z.object({ reason: revocationReason, at: moment }).nullable(),
  /** Of a resident key: the serial number of the token that has it. */
  token: z.string().exactOptional(),
})

export const key = z.object({
  id: z.uuid(),
  space: name,
  name,
  algorithm: z.enum(keyAlgorithms),
  usage: z.enum(keyUsages),
  custody,
  exportable: z.boolean(),
  tags: z.record(z.string(), z.string()),
  description: z.string(),
  state: keyState,
  destroyAt: moment.nullable(),
  primary: version,
  minDecryptVersion: version,
  minEncryptVersion: version,
  rotation: z.object({ everyDays: z.int().nullable(), nextAt: moment.nullable() }),
  versions: z.array(keyVersion),
  generation: z.int(),
  createdAt: moment,
  createdBy: z.string(),
})

/** What is chosen when a key comes to be, made here or brought. */
export const newKey = {
  name,
  algorithm: label,
  usage: z.enum(keyUsages).optional(),
  custody: custody.optional(),
  exportable: z.boolean().optional(),
  tags: tags.optional(),
  description: description.optional(),
}

/** A key is what its ETag names. */
export const entityOfKey = ({ id, generation }: Entity): Entity => ({ id, generation })
