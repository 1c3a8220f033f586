import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { redact } from '../../src/audit/redact.ts'

const key = Buffer.alloc(32, 7)
const digest = (text: string | Buffer): Buffer => createHmac('sha256', key).update(text).digest()

describe('the redaction of a subject', () => {
  it('gives for each kind of value the keyed digest it always gave: who has older records matches by it', () => {
    const bytes = Buffer.from([0, 1, 2, 255])
    const { subject, redacted } = redact(
      { space: 'default', input: bytes, description: 'büro', pin: 12, list: ['a', 1], absent: undefined },
      { version: 3, key },
    )
    const shown = (encoded: string | Buffer): string => `hmac-sha256:3:${digest(encoded).toString('base64url')}`
    expect(subject).to.deep.equal({
      space: 'default',
      input: shown(Buffer.concat([Buffer.from('input\0bytes\0'), bytes])),
      description: shown('description\0string\0"büro"'),
      pin: shown('pin\0number\u000012'),
      list: shown('list\0array\0["a",1]'),
    })
    expect(redacted).to.deep.equal(['input', 'description', 'pin', 'list'])
  })

  it('gives 128 bits for each byte string of a list', () => {
    const inputs = [Buffer.from('one'), Buffer.from('two')]
    const { subject } = redact({ inputs }, { version: 1, key })
    const cut = inputs.map(input => digest(Buffer.concat([Buffer.from('inputs\0bytes\0'), input])).subarray(0, 16))
    expect(subject['inputs']).to.deep.equal(cut.map(each => each.toString('base64url')))
  })
})
