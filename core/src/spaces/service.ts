import { WarderError } from '@warder/contract'
import type { Call } from '../call.ts'
import type { Spaces } from '../engine-api.ts'
import { requireName } from '../names.ts'
import { type Authorize, eventOf, permits, rootSpace } from '../policy/authorize.ts'
import { readPage } from '../records/page.ts'
import { change, type Repository } from '../records/repository.ts'
import { spaces } from './collection.ts'
import type { SpaceView } from './model.ts'

export function createSpaces({
  repository,
  authorize,
  now,
}: {
  repository: Repository
  authorize: Authorize
  now(): Date
}): Spaces {
  return {
    async create(call, { name, description = '' }) {
      await authorize(call, { space: rootSpace, permission: 'admin', action: 'space:create' })
      requireName('name', name)
      return repository.exclusive(spaces, name, async () => {
        if (repository.has(spaces, name)) throw new WarderError('space-exists', `There is a space ${name} already.`)
        const space: SpaceView = {
          name,
          description,
          createdAt: now().toISOString(),
          createdBy: call.principal.identity,
        }
        const draft = {
          ...eventOf(call),
          type: 'configuration',
          action: 'space:create',
          subject: { space: name, description },
          result: 'ok',
        } as const
        await repository.write(draft, [change(spaces, name, 'absent', space)], call)
        return space
      })
    },

    async get(call, name) {
      await authorize(call, { space: name, permission: 'read', action: 'space:get' })
      requireSpace(repository, name)
      return (await repository.require(spaces, name, call)).value
    },

    async list(call, query) {
      const keep = (name: string): boolean => mayRead(call, name)
      return readPage(repository, spaces, { ...query, prefix: '', keep }, call, ({ value }) => value)
    },
  }
}

const mayRead = (call: Call, space: string): boolean => permits(call.principal, space, 'read')

/** @throws WarderError `space-not-found`. Ask only for callers who are authorised in that space. */
export function requireSpace(repository: Repository, name: string): void {
  if (!repository.has(spaces, name)) throw new WarderError('space-not-found', `There is no space ${name}.`)
}
