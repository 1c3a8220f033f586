import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import type { KeyAlgorithm, KeyPurpose } from '@warder/contract'

/** Test-only reference. A key as it lies on the token: PKCS#8 of a private key, the bytes of a secret one. */
export interface StoredKey {
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyPurpose
  readonly bytes: Buffer
}

export interface RootPair {
  /** Wraps keys that stay. */
  readonly kek: KeyObject
  /** Wraps keys that may be exported. */
  readonly exportKek: KeyObject
}

/** Test-only reference: what outlives a provider. It keeps keys in memory and protects nothing. */
export class ReferenceToken {
  readonly serial = randomBytes(8).toString('hex')
  readonly storeKey = createSecretKey(randomBytes(32))
  readonly roots: RootPair[] = []
  readonly residents = new Map<string, StoredKey>()

  constructor() {
    this.addRoot()
  }

  /** The number of the new one. */
  addRoot(): number {
    return this.roots.push({ kek: createSecretKey(randomBytes(32)), exportKek: createSecretKey(randomBytes(32)) })
  }

  root(number: number): RootPair | undefined {
    return this.roots[number - 1]
  }
}
