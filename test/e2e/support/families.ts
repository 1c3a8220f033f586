import { generateKeyPairSync } from 'node:crypto'
import type { KeyUsage } from '@warder/contract'
import type { OperationKind } from '../../../core/src/keys/lifecycle.ts'

/** What a version made while it was active: what its operations later have to open or check. */
export type Made = Readonly<Record<string, string>>

/** One way to use a key: what it takes of a version, and the request for it. */
export interface Usage {
  readonly action: string
  readonly kind: OperationKind
  body(version: number, made: Made): object
}

/** A usage family with everything that its keys do. */
export interface Family {
  readonly name: string
  readonly algorithm: string
  readonly usage: KeyUsage
  readonly exportable?: true
  /** In this order each is given what the ones before made. */
  readonly usages: readonly Usage[]
}

const input = Buffer.from('a message').toString('base64')
const spkiOf = (key: { export(options: { type: 'spki'; format: 'der' }): Buffer }): string =>
  key.export({ type: 'spki', format: 'der' }).toString('base64')
const peer = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
const recipient = spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)

export const families: readonly Family[] = [
  {
    name: 'sign',
    algorithm: 'P-256',
    usage: 'sign',
    usages: [
      { action: 'sign', kind: 'protect', body: version => ({ input, version }) },
      { action: 'verify', kind: 'process', body: (version, { signature }) => ({ input, signature, version }) },
    ],
  },
  {
    name: 'encrypt',
    algorithm: 'AES-256',
    usage: 'encrypt',
    usages: [
      { action: 'encrypt', kind: 'protect', body: version => ({ plaintext: input, version }) },
      { action: 'decrypt', kind: 'process', body: (_, { ciphertext }) => ({ ciphertext }) },
    ],
  },
  {
    name: 'encrypt-rsa',
    algorithm: 'RSA-2048',
    usage: 'encrypt',
    usages: [
      { action: 'encrypt', kind: 'protect', body: version => ({ plaintext: input, version }) },
      { action: 'decrypt', kind: 'process', body: (version, { ciphertext }) => ({ ciphertext, version }) },
    ],
  },
  {
    name: 'wrap',
    algorithm: 'AES-256',
    usage: 'wrap',
    usages: [
      { action: 'wrap', kind: 'protect', body: version => ({ bytes: input, version }) },
      { action: 'unwrap', kind: 'process', body: (_, { wrapped }) => ({ wrapped }) },
    ],
  },
  {
    name: 'mac',
    algorithm: 'HMAC-SHA-256',
    usage: 'mac',
    exportable: true,
    usages: [
      { action: 'mac', kind: 'protect', body: version => ({ input, version }) },
      { action: 'verifyMac', kind: 'process', body: (version, { mac }) => ({ input, mac, version }) },
      { action: 'export', kind: 'process', body: version => ({ recipient, version }) },
    ],
  },
  {
    name: 'derive',
    algorithm: 'P-256',
    usage: 'derive',
    usages: [{ action: 'derive', kind: 'protect', body: version => ({ peer, version }) }],
  },
]

/** Every operation on a key, with the usage it is for and a request of the right form. */
export const everyOperation: readonly { readonly action: string; readonly usage: KeyUsage; readonly body: object }[] = [
  { action: 'sign', usage: 'sign', body: { input } },
  { action: 'verify', usage: 'sign', body: { input, signature: input } },
  { action: 'encrypt', usage: 'encrypt', body: { plaintext: input } },
  { action: 'decrypt', usage: 'encrypt', body: { ciphertext: input } },
  { action: 'generateDataKey', usage: 'encrypt', body: { length: 32 } },
  { action: 'mac', usage: 'mac', body: { input } },
  { action: 'verifyMac', usage: 'mac', body: { input, mac: input } },
  { action: 'wrap', usage: 'wrap', body: { bytes: input } },
  { action: 'unwrap', usage: 'wrap', body: { wrapped: input } },
  { action: 'derive', usage: 'derive', body: { peer } },
]
