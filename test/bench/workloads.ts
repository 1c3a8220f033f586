/** What is done with one kind of key, by every side alike. */
export interface Workload {
  /** As it stands in a figure's id. */
  readonly id: string
  readonly algorithm: string
  readonly action: 'sign' | 'encrypt' | 'mac'
  /** Bytes that are signed (a digest but for Ed25519), encrypted or authenticated. */
  readonly inputBytes: number
  readonly prehashed: boolean
  /** Whether such a key can be sealed: SoftHSM wraps no Ed25519 key. */
  readonly sealable: boolean
}

const sign = (id: string, algorithm: string, digestBytes: number): Workload => ({
  id,
  algorithm,
  action: 'sign',
  inputBytes: digestBytes,
  prehashed: true,
  sealable: true,
})

export const workloads: readonly Workload[] = [
  sign('p256', 'P-256', 32),
  sign('p384', 'P-384', 48),
  { ...sign('ed25519', 'Ed25519', 32), prehashed: false, sealable: false },
  sign('rsa2048', 'RSA-2048', 32),
  sign('rsa3072', 'RSA-3072', 32),
  sign('rsa4096', 'RSA-4096', 32),
  { id: 'gcm1k', algorithm: 'AES-256', action: 'encrypt', inputBytes: 1024, prehashed: false, sealable: true },
  { id: 'hmac', algorithm: 'HMAC-SHA-256', action: 'mac', inputBytes: 32, prehashed: false, sealable: true },
]

export type Custody = 'resident' | 'sealed'
export const batchSize = 100

export const keyName = ({ id }: Workload, custody: Custody): string => `bench-${id}-${custody}`

/** The input every side works on. */
export const inputOf = ({ inputBytes }: Workload): Uint8Array => Buffer.alloc(inputBytes, 0x5a)

/** One item as the REST API takes it. */
export function itemOf(workload: Workload): Readonly<Record<string, unknown>> {
  const input = Buffer.from(inputOf(workload)).toString('base64')
  if (workload.action === 'encrypt') return { plaintext: input }
  return workload.prehashed ? { input, prehashed: true } : { input }
}
