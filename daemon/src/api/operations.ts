import { apiKeyOperations, apiKeySchemas } from './api-keys.ts'
import { keyCryptoOperations, keyCryptoSchemas } from './key-crypto.ts'
import { keyLifecycleOperations } from './key-lifecycle.ts'
import { keyOperations, keySchemas } from './keys.ts'
import { backupOperations } from './backup.ts'
import type { Operation } from './operation.ts'
import { randomOperations, randomSchemas } from './random.ts'
import { rootKeyOperations, rootKeySchemas } from './root-keys.ts'
import { spaceOperations, spaceSchemas } from './spaces.ts'
import { transferOperations, transferSchemas } from './transfers.ts'

/** Everything the HTTP API does. What is not here has no route. */
export const operations: readonly Operation[] = [
  ...spaceOperations,
  ...keyOperations,
  ...keyLifecycleOperations,
  ...keyCryptoOperations,
  ...transferOperations,
  ...rootKeyOperations,
  ...randomOperations,
  ...apiKeyOperations,
  ...backupOperations,
]

/** The answers that the OpenAPI document gives a name of their own. */
export const namedSchemas = {
  ...spaceSchemas,
  ...keySchemas,
  ...keyCryptoSchemas,
  ...transferSchemas,
  ...rootKeySchemas,
  ...randomSchemas,
  ...apiKeySchemas,
} as const
