import { z } from 'zod'
import type { Json } from './json.ts'
import { components, headerRef, itemRefusal, problemResponses, type ProblemSpecs } from './openapi-components.ts'
import { openPaths, openSchemas } from './openapi-open-paths.ts'
import { batchLimit, type Operation } from './operation.ts'

const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })
const parameterRef = (name: string): Json => ({ $ref: `#/components/parameters/${name}` })

/** The OpenAPI 3.1 document of these operations, from the schemas that validate them. */
export function openApiDocument(
  operations: readonly Operation[],
  named: Readonly<Record<string, z.ZodType>>,
  problems: ProblemSpecs,
): Json {
  const names = new Map(Object.entries(named).map(([name, schema]) => [schema, name]))
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const item = (paths[operation.path] ??= {})
    item[operation.method.toLowerCase()] = describe(operation, names)
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: 'Warder', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    tags: [...new Set(operations.map(tagOf)), 'appliance'].map(name => ({ name, description: tags[name] ?? name })),
    paths: { ...paths, ...openPaths },
    components: components({ ...answerSchemas(named), ...openSchemas }, problems),
  }
}

/** What a path is about. */
const tags: Readonly<Record<string, string>> = {
  spaces: 'Tenant boundaries',
  keys: 'Keys, their life, and what they are for',
  importKey: 'Bringing keys in',
  rootKeys: 'The root key that wraps sealed keys',
  random: 'Random bytes',
  apiKeys: 'Credentials',
  backup: 'Backups',
  appliance: 'The appliance itself',
}

/** The last name of a path that is no parameter and no action; `keys` for all that is below a key. */
function tagOf({ path }: Operation): string {
  const segments = path.split('/').map(segment => segment.replace(/:.*/, ''))
  if (segments.includes('keys')) return 'keys'
  return segments.findLast(segment => segment !== '' && !segment.startsWith('{')) ?? 'appliance'
}

function describe(operation: Operation, names: ReadonlyMap<z.ZodType, string>): Json {
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [tagOf(operation)],
    'x-warder-permission': operation.permission,
    parameters: [
      ...parameters(operation.params, 'path'),
      ...parameters(operation.query, 'query'),
      ...headerParameters(operation),
    ],
    ...requestBody(operation),
    responses: {
      [operation.status]: {
        description: operation.status === 201 ? 'Created' : 'Done',
        headers: headersOf(operation),
        content: contentOf(operation, names),
      },
      ...(isConditional(operation)
        ? { 304: { description: 'It is what If-None-Match names', headers: headersOf(operation) } }
        : {}),
      ...problemResponses(operation),
    },
  }
}

function contentOf(operation: Operation, names: ReadonlyMap<z.ZodType, string>): Json {
  if (operation.streamed === true) return { 'application/octet-stream': {} }
  const answer = names.get(operation.response)
  if (answer === undefined) throw new TypeError(`the answer of ${operation.id} has no name`)
  return { 'application/json': { schema: answerOf(operation, answer) } }
}

const isConditional = ({ method, entity }: Operation): boolean => method === 'GET' && entity !== undefined

function requestBody(operation: Operation): Json {
  const { request, bodyOptional, handleBatch } = operation
  if (request === undefined) return {}
  const single = schemaOf(request, 'input')
  const schema = handleBatch === undefined ? single : { oneOf: [single, batchOf(single, true)] }
  return { requestBody: { required: bodyOptional !== true, content: { 'application/json': { schema } } } }
}

function answerOf({ handleBatch }: Operation, name: string): Json {
  const single = schemaRef(name)
  return handleBatch === undefined ? single : { oneOf: [single, batchOf({ oneOf: [single, itemRefusal] }, false)] }
}

function batchOf(item: Json, closed: boolean): Json {
  return {
    type: 'object',
    required: ['items'],
    properties: { items: { type: 'array', minItems: 1, maxItems: batchLimit, items: item } },
    ...(closed ? { additionalProperties: false } : {}),
  }
}

function headersOf(operation: Operation): Json {
  return {
    'X-Request-Id': headerRef('RequestId'),
    ...(operation.location === undefined ? {} : { Location: headerRef('Location') }),
    ...(operation.paged === undefined ? {} : { Link: headerRef('Link') }),
    ...(operation.entity === undefined ? {} : { ETag: headerRef('ETag') }),
    ...(operation.idempotency === undefined ? {} : { 'Idempotency-Replayed': headerRef('IdempotencyReplayed') }),
  }
}

function headerParameters(operation: Operation): readonly Json[] {
  const { ifMatch, idempotency } = operation
  return [
    ...(ifMatch === undefined ? [] : [parameterRef(ifMatch === 'required' ? 'IfMatch' : 'IfMatchOptional')]),
    ...(isConditional(operation) ? [parameterRef('IfNoneMatch')] : []),
    ...(idempotency === undefined ? [] : [parameterRef('IdempotencyKey')]),
    parameterRef('RequestId'),
    parameterRef('TraceParent'),
  ]
}

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query'): readonly Json[] {
  if (!(schema instanceof z.ZodObject)) return []
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape
  return Object.entries(shape).map(([name, each]) => ({
    name,
    in: where,
    required: !each.safeParse(undefined).success,
    schema: schemaOf(each, 'output'),
  }))
}

/** One request or parameter schema, inline. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  return withoutIds(z.toJSONSchema(schema, { io }))
}

/** The named answers; they refer to one another. An answer may gain members, so none forbids others. */
function answerSchemas(named: Readonly<Record<string, z.ZodType>>): Json {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    io: 'output',
    uri: id => `#/components/schemas/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodObject) delete jsonSchema.additionalProperties
    },
  })
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutIds(schema)]))
}

/** The document says once which dialect it is in, and its parts are found by their place. */
function withoutIds(schema: Json): Json {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema' && name !== '$id'))
}
