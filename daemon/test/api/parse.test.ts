import { WarderError } from '@warder/contract'
import { expect } from 'chai'
import { z } from 'zod'
import { label } from '../../src/api/fields.ts'
import { parse } from '../../src/api/parse.ts'

describe('parsing a part of a request', () => {
  it('refuses an object whose length makes no number where a text should be', () => {
    // it was answered as a fault of the appliance
    const schema = z.strictObject({ algorithm: label })
    for (const length of [{ toString: 'x' }, { valueOf: 1, toString: null }, [], {}]) {
      const value: unknown = JSON.parse(JSON.stringify({ algorithm: { length } }))
      expect(() => parse(schema, value, 'body'))
        .to.throw(WarderError)
        .with.property('code', 'malformed-request')
    }
  })
})
