import { expect } from 'chai'
import type { ProblemBody, Reply } from './client.ts'

/** Asserts that a reply is this problem, and nothing else. */
export function expectProblem(reply: Reply<unknown>, status: number, code: string): void {
  const { code: found, request_id: requestId } = (reply.body ?? {}) as Partial<ProblemBody>
  expect({ status: reply.status, code: found }, reply.text).to.deep.equal({ status, code })
  expect(reply.headers['content-type']).to.equal('application/problem+json')
  expect(requestId).to.equal(reply.headers['x-request-id'])
}
