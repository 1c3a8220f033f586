import { type KeyProvider, type Log, WarderError } from '@warder/contract'
import type { Journal } from '../audit/journal.ts'
import { type Call, onBehalfOf } from '../call.ts'
import type { Crypto } from '../engine-api.ts'
import { type Authorize, rootSpace } from '../policy/authorize.ts'
import type { KeyRecord } from './collection.ts'
import { encryption } from './encrypt-and-decrypt.ts'
import type { Keyring } from './keyring.ts'
import { rotateKey } from './lifecycle-service.ts'
import { otherUses } from './mac-wrap-derive.ts'
import { signing } from './sign-and-verify.ts'
import type { UseCounters } from './use-counters.ts'
import { Uses } from './use.ts'

export interface CryptoParts {
  readonly keyring: Keyring
  readonly journal: Journal
  readonly hsm: KeyProvider
  readonly authorize: Authorize
  readonly counters: UseCounters
  readonly log: Log
  now(): Date
}

/** What keys are for: each operation is described in a file of its family and run by {@link Uses}. */
export function createCrypto(parts: CryptoParts): Crypto {
  const { keyring, journal, hsm, authorize, counters } = parts
  const uses = new Uses(keyring, journal)
  const rotation = rotationByUse(parts)
  const { sign, verify } = signing(keyring, hsm)
  const { mac, verifyMac, wrap, unwrap, derive } = otherUses(keyring, hsm)
  const { encrypt, decrypt, dataKey } = encryption({
    keyring,
    hsm,
    async countUse(key, version, op) {
      if (await counters.take(key.id, version, op)) rotation(key)
    },
  })
  return {
    sign: (call, space, name, input) => uses.single(sign, { call, space, name }, input),
    signBatch: (call, space, name, items) => uses.batch(sign, { call, space, name }, items),
    verify: (call, space, name, input) => uses.single(verify, { call, space, name }, input),
    verifyBatch: (call, space, name, items) => uses.batch(verify, { call, space, name }, items),
    encrypt: (call, space, name, input) => uses.single(encrypt, { call, space, name }, input),
    encryptBatch: (call, space, name, items) => uses.batch(encrypt, { call, space, name }, items),
    decrypt: (call, space, name, input) => uses.single(decrypt, { call, space, name }, input),
    decryptBatch: (call, space, name, items) => uses.batch(decrypt, { call, space, name }, items),
    mac: (call, space, name, input) => uses.single(mac, { call, space, name }, input),
    macBatch: (call, space, name, items) => uses.batch(mac, { call, space, name }, items),
    verifyMac: (call, space, name, input) => uses.single(verifyMac, { call, space, name }, input),
    wrap: (call, space, name, input) => uses.single(wrap, { call, space, name }, input),
    unwrap: (call, space, name, input) => uses.single(unwrap, { call, space, name }, input),
    derive: (call, space, name, input) => uses.single(derive, { call, space, name }, input),
    generateDataKey: (call, space, name, input) => uses.single(dataKey, { call, space, name }, input),

    async random(call, length) {
      // Randomness is of no space: whoever may use keys anywhere may have it.
      const [first] = call.principal.spaces
      const space = call.principal.spaces === '*' ? rootSpace : (first ?? rootSpace)
      await authorize(call, {
        space,
        permission: 'use',
        action: 'random',
      })
      if (!Number.isInteger(length) || length < 1 || length > 4096) {
        throw new WarderError('malformed-request', 'length is 1 to 4096 bytes.', { facts: { field: 'length' } })
      }
      return hsm.random(length, onBehalfOf(call, space))
    },
  }
}

/** Replaces a version that has encrypted half as often as is safe, beside the request that noticed it. */
function rotationByUse(parts: CryptoParts): (key: KeyRecord) => void {
  const rotating = new Set<string>()
  const signal = new AbortController().signal
  return ({ id, space, name, primary }) => {
    if (rotating.has(id)) return
    rotating.add(id)
    const op: Pick<Call, 'signal'> = { signal }
    const event = { correlation: 'use-limit', actor: 'system' }
    parts.keyring
      .change(space, name, 'any', op, async key =>
        key.primary === primary ? rotateKey(parts, key, event, op) : undefined,
      )
      .catch((cause: unknown) => parts.log.error('rotation by use failed', { key: id, cause: String(cause) }))
      .finally(() => rotating.delete(id))
  }
}
