import { timingSafeEqual } from 'node:crypto'
import type { KeyProvider } from '@warder/contract'
import { type Keyring, requireVersion } from './keyring.ts'
import { requireLength } from './limits.ts'
import type { Derived, Maced, MacInput, MacVerified, Unwrapped, VerifyMacInput, Wrapped } from './model.ts'
import { sha256 } from './sha256.ts'
import type { Use } from './use.ts'
import { decodeWrapped, decryptionFailed, encodeWrapped } from './wire.ts'

interface Versioned {
  readonly version?: number | undefined
}

export interface OtherUses {
  readonly mac: Use<MacInput, Maced>
  readonly verifyMac: Use<VerifyMacInput, MacVerified>
  readonly wrap: Use<{ readonly bytes: Uint8Array } & Versioned, Wrapped>
  readonly unwrap: Use<{ readonly wrapped: Uint8Array }, Unwrapped>
  readonly derive: Use<{ readonly peer: Uint8Array } & Versioned, Derived>
}

export function otherUses(keyring: Keyring, hsm: KeyProvider): OtherUses {
  return {
    mac: {
      action: 'key:mac',
      usage: 'mac',
      permission: 'use',
      digestOf: ({ input }) => sha256(input),
      async one(key, { input, version }, op) {
        requireLength('input', input)
        const { number } = requireVersion(key, 'protect', version)
        const mac = await hsm.mac(await keyring.refToUse(key, number, op), input, op)
        return { mac, version: number }
      },
    },
    verifyMac: {
      action: 'key:verifyMac',
      usage: 'mac',
      permission: 'read',
      // It takes the secret key, unlike the verification of a signature, so it is a use.
      digestOf: ({ input }) => sha256(input),
      async one(key, { input, mac, version }, op) {
        requireLength('input', input)
        const { number, state } = requireVersion(key, 'process', version)
        const expected = await hsm.mac(await keyring.refToUse(key, number, op), input, op)
        const valid = mac.length === expected.length && timingSafeEqual(mac, expected)
        return { valid, version: number, ...(state === 'compromised' && { compromised: true as const }) }
      },
    },
    wrap: {
      action: 'key:wrap',
      usage: 'wrap',
      permission: 'use',
      digestOf: ({ bytes }) => sha256(bytes),
      async one(key, { bytes, version }, op) {
        requireLength('bytes', bytes, { least: 1, most: 4096 })
        const { number } = requireVersion(key, 'protect', version)
        const blob = await hsm.wrap(await keyring.refToUse(key, number, op), bytes, op)
        return { wrapped: encodeWrapped(number, blob), version: number }
      },
    },
    unwrap: {
      action: 'key:unwrap',
      usage: 'wrap',
      permission: 'use',
      digestOf: ({ wrapped }) => sha256(wrapped),
      async one(key, { wrapped }, op) {
        const { version, blob } = decodeWrapped(wrapped)
        if (!key.versions.some(({ number }) => number === version)) throw decryptionFailed()
        const { state } = requireVersion(key, 'process', version)
        const bytes = await hsm.unwrap(await keyring.refToUse(key, version, op), blob, op)
        return { bytes, version, ...(state === 'compromised' && { compromised: true as const }) }
      },
    },
    derive: {
      action: 'key:derive',
      usage: 'derive',
      permission: 'use',
      digestOf: ({ peer }) => sha256(peer),
      async one(key, { peer, version }, op) {
        requireLength('peer', peer, { least: 1, most: 1024 })
        const { number } = requireVersion(key, 'protect', version)
        const sharedSecret = await hsm.derive(await keyring.refToUse(key, number, op), peer, op)
        return { sharedSecret, version: number }
      },
    },
  }
}
