import { z } from 'zod'
import type { Collection } from '../records/repository.ts'
import type { SpaceView } from './model.ts'

export const spaces: Collection<SpaceView> = {
  name: 'spaces',
  schema: z.strictObject({ name: z.string(), description: z.string(), createdAt: z.string(), createdBy: z.string() }),
  attributes: () => ({}),
}
