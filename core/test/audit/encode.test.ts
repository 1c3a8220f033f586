import canonicalize from 'canonicalize'
import { expect } from 'chai'
import fc from 'fast-check'
import { encodeRecord } from '../../src/audit/encode.ts'
import type { JournalRecord } from '../../src/audit/event.ts'
import { Salts } from '../../src/audit/salts.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const whole = fc.nat()
const writes = fc.array(
  fc.record({ collection: text, id: text, revision: whole, old: fc.option(text), new: fc.option(text) }),
  { maxLength: 3 },
)

const required = {
  v: fc.constant(1 as const),
  origin: text,
  seq: whole,
  prev: text,
  salt: text,
  ts: text,
  node: text,
  type: fc.constant('key-use' as const),
  phase: fc.constantFrom('event', 'intent', 'outcome'),
  action: text,
  correlation: text,
  actor: text,
  subject: fc.dictionary(text, fc.oneof(text, whole, fc.boolean(), fc.array(text), fc.dictionary(text, whole))),
  policyDigest: fc.option(text),
  result: text,
  redacted: fc.array(text, { maxLength: 3 }),
}
const optional = {
  authn: fc.record({ method: text, credential: text, sourceIp: text }),
  writes,
  intent: whole,
  applied: whole,
}
const records = fc.record(
  { ...required, ...optional },
  { requiredKeys: Object.keys(required) as (keyof typeof required)[] },
) as fc.Arbitrary<JournalRecord>

describe('an encoded journal record', () => {
  it('is to the byte what canonical JSON (RFC 8785) has for it', () => {
    fc.assert(
      fc.property(records, record => {
        expect(encodeRecord(record)).to.equal(canonicalize(record))
      }),
    )
  })

  it('is that also of what is no plain value, wherever it stands', () => {
    const [record] = fc.sample(records, 1) as [JournalRecord]
    const odd: readonly unknown[] = [
      new Date(0),
      undefined,
      () => 1,
      Object.create(null),
      { toJSON: () => 'told' },
      new Uint8Array([1]),
    ]
    for (const value of odd) {
      for (const subject of [{ value }, { list: [value, 1] }, { in: { one: value } }])
        expect(encodeRecord({ ...record, subject })).to.equal(canonicalize({ ...record, subject }))
    }
  })

  it('is refused where it has no canonical form, wherever that stands', () => {
    const [record] = fc.sample(records, 1)
    const parts = [
      { actor: 'a\ud800' },
      { subject: { name: '\udc00' } },
      { subject: { count: Number.NaN } },
      { subject: { list: [{ deep: ['\ud800'] }] } },
      { subject: { '\ud800': 1 } },
    ]
    for (const part of parts) expect(() => encodeRecord({ ...(record as JournalRecord), ...part })).to.throw()
  })
})

describe('the salts of a journal', () => {
  it('are 128 bits each and all different, beyond what is drawn at once', () => {
    const salts = new Salts()
    const seen = Array.from({ length: 1000 }, () => salts.next())
    expect(new Set(seen).size).to.equal(1000)
    for (const salt of seen) expect(Buffer.from(salt, 'base64')).to.have.length(16)
  })
})
