import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import { traceContextOf, traceIdOf } from '../../src/http/trace-context.ts'
import { startAppliance } from './support/appliance.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

function requestWith(...values: readonly string[]): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  request.headers['traceparent'] = values.join(', ')
  request.headersDistinct = { traceparent: [...values] }
  return request
}

const read = (...values: readonly string[]): string | undefined => traceIdOf(requestWith(...values))

describe('the trace context', () => {
  it('is taken when well-formed', () => {
    expect(read(`00-${trace}-${parent}-01`)).to.equal(trace)
    expect(read(`00-${trace}-${parent}-ff`)).to.equal(trace)
    expect(read(`01-${trace}-${parent}-01-and-more`)).to.equal(trace)
  })

  it('says which span of the caller, and whether that may be recorded: one bit, whatever the others are', () => {
    for (const [flags, sampled] of [
      ['00', false],
      ['01', true],
      ['02', false],
      ['ff', true],
    ] as const)
      expect(traceContextOf(requestWith(`00-${trace}-${parent}-${flags}`))).to.deep.equal({
        traceId: trace,
        spanId: parent,
        sampled,
      })
  })

  it('is as good as none when it is not', () => {
    for (const bad of [
      '',
      trace,
      `ff-${trace}-${parent}-01`,
      `00-${trace}-${parent}`,
      `00-${trace}-${parent}-01-more`,
      `00-${trace.toUpperCase()}-${parent}-01`,
      `00-${'0'.repeat(32)}-${parent}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `01-${trace}-${parent}-01more`,
      ` 00-${trace}-${parent}-01`,
    ]) {
      expect(read(bad), bad).to.equal(undefined)
    }
    expect(read(`00-${trace}-${parent}-01`, `00-${trace}-${parent}-01`)).to.equal(undefined)
  })

  it('is in the log beside the request id, and in no answer', async () => {
    const appliance = await startAppliance()
    try {
      const reply = await appliance.send({
        path: '/v1/spaces',
        headers: { traceparent: `00-${trace}-${parent}-01`, 'x-request-id': 'r-1' },
      })
      expect(JSON.stringify(reply.headers) + reply.text).to.not.include(trace)
      const line = appliance
        .logged()
        .split('\n')
        .find(each => each.includes(trace))
      expect(JSON.parse(line ?? '{}')).to.include({
        message: 'a request',
        operation: 'listSpaces',
        status: 200,
        requestId: 'r-1',
        traceId: trace,
      })
    } finally {
      await appliance[Symbol.asyncDispose]()
    }
  })
})
