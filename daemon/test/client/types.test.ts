import { expect } from 'chai'
import type { WarderClient } from '../../src/client/client.ts'

/** Never run: what it says is checked by the compiler. */
async function typed(client: WarderClient): Promise<readonly unknown[]> {
  const params = { space: 'default', key: 'orders' }
  const { body: key } = await client.call('getKey', { params })
  const state: 'enabled' | 'disabled' | 'pending-destruction' | 'destroyed' = key.state
  // @ts-expect-error an operation that has parameters needs them
  const none = client.call('getKey', {})
  // @ts-expect-error bytes go over the wire as base64
  const bytes = client.call('sign', { params, body: { input: new Uint8Array(1) } })
  // @ts-expect-error a field that the operation does not take
  const field = client.call('sign', { params, body: { input: '', colour: 'red' } })
  // @ts-expect-error an operation that is not in the table
  const unknown = client.call('fly', {})
  return [state, none, bytes, field, unknown]
}

describe('the types of the client', () => {
  it('come from the schemas of the operations', () => {
    expect(typed).to.be.a('function')
  })
})
