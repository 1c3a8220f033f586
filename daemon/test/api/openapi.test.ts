import { expect } from 'chai'
import { openApiDocument } from '../../src/api/openapi.ts'
import { namedSchemas, operations } from '../../src/api/operations.ts'
import { problems } from '../../src/http/problem.ts'

type Node = Readonly<Record<string, unknown>>
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null

function at(node: unknown, ...path: readonly string[]): unknown {
  return path.reduce((here, name) => (isNode(here) ? here[name] : undefined), node)
}

/** Every object in a document. */
function* walk(node: unknown): Generator<Node> {
  if (!isNode(node)) return
  yield node
  for (const each of Object.values(node)) yield* walk(each)
}

describe('the OpenAPI document', () => {
  // As it goes over the wire.
  const document: unknown = JSON.parse(JSON.stringify(openApiDocument(operations, namedSchemas, problems)))

  it('is 3.1 and has each operation once, under its own id', () => {
    expect(at(document, 'openapi')).to.equal('3.1.0')
    const ids = operations.map(({ path, method }) => at(document, 'paths', path, method.toLowerCase(), 'operationId'))
    expect(ids).to.deep.equal(operations.map(({ id }) => id))
    expect(new Set(ids).size).to.equal(ids.length)
  })

  it('names the tag of each operation once, and has what is beside the operations', () => {
    const tags = (at(document, 'tags') as readonly Node[]).map(({ name }) => name)
    expect(new Set(tags).size).to.equal(tags.length)
    const paths = Object.values(at(document, 'paths') as Node).flatMap(path => Object.values(path as Node))
    expect(paths).to.have.length(operations.length + 6)
    for (const each of paths) expect(tags).to.include.members(at(each, 'tags') as string[])
    const used = new Set(paths.flatMap(each => at(each, 'tags') as string[]))
    expect([...used]).to.have.members(tags)
  })

  it('has no reference that leads nowhere', () => {
    let count = 0
    for (const { $ref } of walk(document)) {
      if (typeof $ref !== 'string') continue
      count++
      expect($ref).to.match(/^#\/components\//)
      expect(at(document, ...$ref.slice(2).split('/')), $ref).to.be.an('object')
    }
    expect(count).to.be.above(100)
  })

  for (const operation of operations) {
    it(`states parameters, security, answers and problems of ${operation.id}`, () => {
      const stated = at(document, 'paths', operation.path, operation.method.toLowerCase())
      const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const parameters = at(stated, 'parameters') as readonly Node[]
      const ofPath = parameters.filter(each => each['in'] === 'path')
      expect(ofPath.map(each => each['name'])).to.deep.equal(named)
      for (const each of ofPath) expect(each['required']).to.equal(true)
      for (const each of parameters.filter(({ $ref }) => $ref === undefined)) {
        expect(at(each, 'schema')).to.satisfy((schema: Node) => 'type' in schema || 'enum' in schema)
      }
      const headers = new Set(parameters.map(({ $ref }) => String($ref).split('/').at(-1)))
      expect(headers.has('IfMatch')).to.equal(operation.ifMatch === 'required')
      expect(headers.has('IfMatchOptional')).to.equal(operation.ifMatch === 'optional')
      expect(headers.has('IdempotencyKey')).to.equal(operation.idempotency !== undefined)
      const answered = at(stated, 'responses', String(operation.status), 'headers')
      expect(at(answered, 'ETag') !== undefined).to.equal(operation.entity !== undefined)
      expect(at(stated, 'x-warder-permission')).to.equal(operation.permission)
      expect(at(stated, 'requestBody') !== undefined).to.equal(operation.request !== undefined)
      const responses = at(stated, 'responses') as Node
      for (const status of [operation.status, 400, 401, 403, 500, 503, 'default'])
        expect(responses).to.have.property(String(status))
      for (const [status, each] of Object.entries(responses)) {
        const { $ref } = each as Node
        const response = typeof $ref === 'string' ? at(document, ...$ref.slice(2).split('/')) : each
        expect(at(response, 'description'), status).to.be.a('string').and.not.equal('')
        if (Number(status) >= 400) expect(at(response, 'content')).to.have.property('application/problem+json')
      }
      expect(at(document, 'security')).to.deep.equal([{ apiKey: [] }])
    })
  }

  it('requires what a request must have, and closes requests but not answers', () => {
    const json = ['content', 'application/json', 'schema'] as const
    const signing = at(document, 'paths', '/v1/spaces/{space}/keys/{key}:sign', 'post')
    const [single, batch] = at(signing, 'requestBody', ...json, 'oneOf') as readonly Node[]
    expect(single).to.deep.include({ required: ['input'], additionalProperties: false })
    expect(at(single, 'properties', 'input')).to.deep.equal({
      type: 'string',
      contentEncoding: 'base64',
      maxLength: 87_384,
    })
    expect(batch).to.deep.include({ required: ['items'], additionalProperties: false })
    expect(at(batch, 'properties', 'items')).to.deep.include({ minItems: 1, maxItems: 1000, items: single })
    const [, answers] = at(signing, 'responses', '200', ...json, 'oneOf') as readonly Node[]
    expect(at(answers, 'properties', 'items', 'items', 'oneOf', '1', 'properties', 'error', '$ref')).to.equal(
      '#/components/schemas/ItemProblem',
    )
    expect(at(document, 'paths', '/v1/spaces/{space}/keys/{key}:destroy', 'post', 'requestBody', 'required')).to.equal(
      false,
    )
    expect(at(document, 'components', 'schemas', 'Key')).to.not.have.property('additionalProperties')
    const limit = (at(document, 'paths', '/v1/spaces', 'get', 'parameters') as readonly Node[])[0]
    expect(limit).to.deep.equal({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { default: 100, type: 'integer', minimum: 1, maximum: 1000 },
    })
  })

  it('lists every problem code', () => {
    expect(at(document, 'components', 'schemas', 'Problem', 'properties', 'code', 'enum')).to.deep.equal(
      Object.keys(problems),
    )
  })
})
