import assert from 'node:assert/strict'
import {
  keyAlgorithms,
  keyUsages,
  oaepAlgorithms,
  signatureAlgorithms,
  type KeyAlgorithm,
  type KeyUsage,
} from '@warder/contract'
import type { CaseTable } from '../../conformance-case.ts'
import { custodies, op, type Bench } from '../bench.ts'
import { rsaKeys, signers } from '../independent.ts'

export function capabilityCases<Config>(bench: Bench<Config>): CaseTable {
  const { supports } = bench.subject.plugin
  return {
    'the token says who it is, and what it can do in names the contract knows': () =>
      bench.withFreshToken(async ({ claims: { published } }) => {
        const { token, generate, usages, sign, encrypt, mechanisms } = published
        for (const field of ['label', 'serial', 'manufacturer', 'model', 'firmware'] as const) {
          assert.equal(typeof token[field], 'string', field)
          assert.equal(token[field], token[field].trim(), `${field} is not padded`)
        }
        const lists: readonly (readonly [string, readonly string[], readonly string[]])[] = [
          ['resident keys', generate.resident, keyAlgorithms],
          ['sealed keys', generate.sealed, keyAlgorithms],
          ['usages', usages, keyUsages],
          ['signatures', sign, signatureAlgorithms],
          ['encryptions', encrypt, ['A256GCM', ...oaepAlgorithms]],
        ]
        for (const [name, found, known] of lists) {
          assert.equal(new Set(found).size, found.length, `${name}: nothing is named twice`)
          for (const each of found) assert.ok(known.includes(each), `${name}: ${each} is not of the contract`)
        }
        for (const name of mechanisms) assert.match(name, /^(CKM_[A-Z0-9_]+|0x[0-9a-f]+)$/)
        assert.deepEqual(mechanisms, mechanisms.toSorted(), 'mechanisms are sorted')
      }),

    'the custodies the plugin claims are those the token makes keys in': () =>
      bench.withFreshToken(async ({ claims: { published } }) => {
        for (const custody of custodies) {
          assert.equal(published.generate[custody].length > 0, supports[custody], `${custody} keys`)
        }
      }),

    'what is claimed to be signed or opened has a key that can be made for it': () =>
      bench.withFreshToken(async ({ claims }) => {
        const { sign, encrypt, usages } = claims.published
        const possible = (usage: KeyUsage, keys: readonly KeyAlgorithm[]): boolean =>
          keys.some(key => claims.custodies(key, usage).length > 0)
        for (const algorithm of sign) assert.ok(possible('sign', signers[algorithm]), `${algorithm} has no key`)
        for (const algorithm of encrypt) {
          assert.ok(possible('encrypt', algorithm === 'A256GCM' ? ['AES-256'] : rsaKeys), `${algorithm} has no key`)
        }
        for (const usage of usages) assert.ok(possible(usage, keyAlgorithms), `no key can be made to ${usage}`)
      }),

    'capabilities are the same when asked again': () =>
      bench.withFreshToken(async ({ provider, claims: { published } }) => {
        assert.deepEqual(await provider.capabilities(op), published)
      }),
  }
}
