import { apiKeyOperations, apiKeySchemas } from './api-keys.ts'
import { keyOperations, keySchemas } from './keys.ts'
import type { Operation } from './operation.ts'
import { spaceOperations, spaceSchemas } from './spaces.ts'

/** Everything the HTTP API does. What is not here has no route. */
export const operations: readonly Operation[] = [...spaceOperations, ...keyOperations, ...apiKeyOperations]

/** The answers that the OpenAPI document gives a name of their own. */
export const namedSchemas = { ...spaceSchemas, ...keySchemas, ...apiKeySchemas } as const
