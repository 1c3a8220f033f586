import { z } from 'zod'
import { description, listQuery, moment, name, page } from './fields.ts'
import { operation, pathOf } from './operation.ts'

const collection = '/v1/spaces'
const member = '/v1/spaces/{space}'

export const space = z.object({ name, description: z.string(), createdAt: moment, createdBy: z.string() })
const spaceList = page(space)

export const spaceSchemas = { Space: space, SpaceList: spaceList }

const createSpace = operation({
  id: 'createSpace',
  method: 'POST',
  path: collection,
  permission: 'admin',
  summary: 'Create a space: a tenant boundary that keys and credentials belong to',
  request: z.strictObject({ name, description: description.optional() }),
  response: space,
  status: 201,
  idempotency: 'kept',
  location: created => pathOf(member, { space: created.name }),
  handle: (engine, call, { body }) => engine.spaces.create(call, body),
})

const listSpaces = operation({
  id: 'listSpaces',
  method: 'GET',
  path: collection,
  permission: 'read',
  summary: 'List the spaces this credential may act in',
  query: listQuery,
  response: spaceList,
  status: 200,
  paged: true,
  handle: (engine, call, { query }) => engine.spaces.list(call, query),
})

const getSpace = operation({
  id: 'getSpace',
  method: 'GET',
  path: member,
  permission: 'read',
  summary: 'Describe a space',
  params: z.strictObject({ space: name }),
  response: space,
  status: 200,
  handle: (engine, call, { params }) => engine.spaces.get(call, params.space),
})

export const spaceOperations = [createSpace, listSpaces, getSpace] as const
