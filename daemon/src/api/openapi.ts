import { z } from 'zod'
import type { Operation } from './operation.ts'

type Json = Readonly<Record<string, unknown>>
type ProblemSpecs = Readonly<Record<string, { readonly status: number; readonly title: string }>>

const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

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
    item[operation.method.toLowerCase()] = describe(operation, names, problems)
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: 'Warder', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      schemas: { ...answerSchemas(named), Problem: problemSchema(Object.keys(problems)) },
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, wrd_…' } },
      responses: { Problem: problemResponse('A problem (RFC 9457)') },
      headers: {
        RequestId: { description: 'Names this request in logs and the journal', schema: { type: 'string' } },
        Location: { description: 'Where the created thing is', schema: { type: 'string' } },
        Link: { description: 'The next page, if there is one (RFC 8288)', schema: { type: 'string' } },
        RetryAfter: { description: 'Seconds to wait before trying again', schema: { type: 'integer' } },
      },
    },
  }
}

function describe(operation: Operation, names: ReadonlyMap<z.ZodType, string>, problems: ProblemSpecs): Json {
  const answer = names.get(operation.response)
  if (answer === undefined) throw new TypeError(`the answer of ${operation.id} has no name`)
  const { request } = operation
  return {
    operationId: operation.id,
    summary: operation.summary,
    'x-warder-permission': operation.permission,
    parameters: [...parameters(operation.params, 'path'), ...parameters(operation.query, 'query')],
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(request, 'input') } } } }),
    responses: {
      [operation.status]: {
        description: operation.status === 201 ? 'Created' : 'Done',
        headers: headersOf(operation),
        content: { 'application/json': { schema: schemaRef(answer) } },
      },
      ...problemResponses(operation, problems),
    },
  }
}

function headersOf(operation: Operation): Json {
  const header = (name: string): Json => ({ $ref: `#/components/headers/${name}` })
  return {
    'X-Request-Id': header('RequestId'),
    ...(operation.location === undefined ? {} : { Location: header('Location') }),
    ...(operation.paged === undefined ? {} : { Link: header('Link') }),
  }
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

/** The problems an operation can meet, by status, each naming its codes. */
function problemResponses(operation: Operation, problems: ProblemSpecs): Json {
  const statuses = new Set([400, 401, 403, 500, 501, 503])
  if (operation.params !== undefined) statuses.add(404)
  if (operation.status === 201) statuses.add(409)
  if (operation.method === 'POST') for (const status of [409, 422]) statuses.add(status)
  if (operation.request !== undefined) for (const status of [413, 415]) statuses.add(status)
  const responses: Record<string, Json> = {}
  for (const status of [...statuses].sort((a, b) => a - b)) {
    const codes = Object.keys(problems).filter(code => problems[code]?.status === status)
    responses[status] = problemResponse(codes.join(', '))
  }
  return { ...responses, default: { $ref: '#/components/responses/Problem' } }
}

function problemResponse(description: string): Json {
  return {
    description,
    headers: {
      'X-Request-Id': { $ref: '#/components/headers/RequestId' },
      'Retry-After': { $ref: '#/components/headers/RetryAfter' },
    },
    content: { 'application/problem+json': { schema: schemaRef('Problem') } },
  }
}

function problemSchema(codes: readonly string[]): Json {
  const properties = {
    type: { type: 'string', format: 'uri', description: 'urn:warder:problem: and the code' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: codes },
    request_id: { type: 'string' },
    retryable: { type: 'boolean', description: 'The same request may succeed later' },
  }
  return {
    type: 'object',
    description: 'RFC 9457, with facts such as `field` or `mechanism` beside these members',
    properties: { ...properties, field: { type: 'string' } },
    required: Object.keys(properties),
  }
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
