import { constants, createSecretKey, publicEncrypt, randomBytes, type KeyObject } from 'node:crypto'
import type { KeyAlgorithm, KeyPurpose, WrappedRootKey } from '@warder/contract'
import { keyWrap, publicKey } from './reference-keys.ts'

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
  /** Of the root keys made since there is a recipient. */
  readonly copies: WrappedRootKey[] = []
  readonly residents = new Map<string, StoredKey>()
  /** SPKI. */
  readonly recipient: Uint8Array | undefined

  constructor(recipient?: Uint8Array, roots: 'with root keys' | 'empty' = 'with root keys') {
    this.recipient = recipient
    if (roots === 'with root keys') this.addRoot()
  }

  /** The number of the new one. */
  addRoot(): number {
    const root = { kek: createSecretKey(randomBytes(32)), exportKek: createSecretKey(randomBytes(32)) }
    const number = this.roots.push(root)
    if (this.recipient !== undefined) {
      this.copies.push(copyOf('kek', number, root.kek, this.recipient))
      this.copies.push(copyOf('export-kek', number, root.exportKek, this.recipient))
    }
    return number
  }

  root(number: number): RootPair | undefined {
    return this.roots[number - 1]
  }
}

/** A root key wrapped to a recipient. */
export function copyOf(purpose: string, number: number, kek: KeyObject, recipient: Uint8Array): WrappedRootKey {
  const transport = randomBytes(32)
  const options = { key: publicKey(recipient), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const wrapped = Buffer.concat([publicEncrypt(options, transport), keyWrap(transport, kek.export())])
  return { purpose, number, oaep: 'RSA-OAEP-256', wrapped: new Uint8Array(wrapped) }
}
