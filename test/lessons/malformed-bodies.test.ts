import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { operations } from '../../daemon/src/api/operations.ts'
import { pathOf } from '../../daemon/src/api/operation.ts'
import { KeysOfSpace } from '../e2e/support/keys-of-space.ts'
import { type Appliance, startAppliance } from '../support/appliance.ts'
import type { ProblemBody, Reply } from '../support/client.ts'

interface Taking {
  readonly method: 'POST' | 'PATCH'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The names of its fields, and in what else they may stand. */
  readonly fields: readonly string[]
  readonly isBatch: boolean
}

/** Every operation that takes a body. */
const taking: readonly Taking[] = operations.flatMap(({ method, path, request, ifMatch, handleBatch }) =>
  request === undefined || method === 'GET'
    ? []
    : [
        {
          method,
          path: pathOf(path, { space: 'default', key: 'k', version: '1', id: '0123456789abcdef' }),
          headers: ifMatch === undefined ? {} : { 'if-match': '*' },
          fields: 'shape' in request ? Object.keys(request.shape as object) : [],
          isBatch: handleBatch !== undefined,
        },
      ],
)

describe('malformed bodies', function () {
  this.timeout(60_000)
  let appliance: Appliance
  /** With a capital, so that it is no name either. */
  const marker = `zQ${randomBytes(8).toString('hex')}`

  before(async () => {
    appliance = await startAppliance()
    await new KeysOfSpace(appliance.admin).create({ name: 'k', algorithm: 'P-256' })
  })
  after(() => appliance[Symbol.asyncDispose]())

  const send = ({ method, path, headers }: Taking, body: string): Promise<Reply<ProblemBody>> =>
    appliance.admin.send({ method, path, headers, body })

  const expectRefused = ({ status, body, text }: Reply<ProblemBody>, what: string): void => {
    expect(status, what).to.be.within(400, 499)
    expect(body.code, what).to.be.a('string')
    expect(text.includes(marker), what).to.equal(false)
  }

  it('lesson: __proto__ in a body is refused by every operation, wherever it stands and however it is written', async () => {
    for (const operation of taking) {
      const field = operation.fields[0] ?? 'x'
      for (const body of [
        `{"__proto__":{"${marker}":1}}`,
        `{"\\u005f\\u005fproto__":{"${marker}":1}}`,
        `{"${field}":{"__proto__":{"${marker}":1}}}`,
        `{"${field}":[{"__proto__":"${marker}"}]}`,
        `{"constructor":{"prototype":{"${marker}":1}}}`,
        ...(operation.isBatch ? [`{"items":[{"__proto__":{"${marker}":1}}]}`] : []),
      ]) {
        const reply = await send(operation, body)
        expectRefused(reply, `${operation.path} ${body}`)
        expect(reply.body.code).to.equal('forbidden-field')
      }
    }
  })

  it('lesson: what is in a malformed body is in no answer, log or journal', async () => {
    for (const operation of taking)
      for (const field of [...operation.fields, marker])
        for (const value of [
          `"${marker}\\u0000"`,
          `["${marker}"]`,
          `{"${marker}":"${marker}"}`,
          `{"length":{"toString":"${marker}"}}`,
          marker,
          `-1e999`,
        ]) {
          // tags may be anything of that form
          if (field === 'tags') continue
          const body = `{"${field}":${value}}`
          expectRefused(await send(operation, body), `${operation.path} ${body}`)
          if (operation.isBatch) {
            const reply = await send(operation, `{"items":[${body}]}`)
            expect(reply.status, `${operation.path} items ${body}`).to.be.below(500)
            expect(reply.text.includes(marker), `${operation.path} items ${body}`).to.equal(false)
          }
        }
    for (const text of [appliance.logged, await appliance.journal()]) expect(text.includes(marker)).to.equal(false)
    expect(appliance.logged).to.not.match(/"level":"(?:error|warn)"/)
  })
})
