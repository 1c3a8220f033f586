import { z } from 'zod'
import { operation } from './operation.ts'

const collection = '/v1/rootKeys'

/** `done` of `of` sealed versions are wrapped under the newest root key. */
const rootRotation = z.object({
  rootKey: z.int(),
  state: z.enum(['running', 'done']),
  done: z.int(),
  of: z.int(),
})

export const rootKeySchemas = { RootRotation: rootRotation }

const getRootKeys = operation({
  id: 'getRootKeys',
  method: 'GET',
  path: collection,
  permission: 'consolidate',
  summary: 'The newest root key, and how much is wrapped under it',
  response: rootRotation,
  status: 200,
  handle: (engine, call) => engine.rootKeys.status(call),
})

const rotateRootKey = operation({
  id: 'rotateRootKey',
  method: 'POST',
  path: `${collection}:rotate`,
  permission: 'consolidate',
  summary: 'Make the next root key and rewrap every sealed version under it in the background',
  response: rootRotation,
  status: 200,
  handle: (engine, call) => engine.rootKeys.rotate(call),
})

export const rootKeyOperations = [getRootKeys, rotateRootKey] as const
