import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { type Custody, type KeyAlgorithm, keyAlgorithms, type KeyUsage, usagesOf } from '@warder/contract'
import type { SignatureAlgorithm } from '@warder/contract'
import type { Material } from './bring-key.ts'

export interface Kind {
  readonly algorithm: KeyAlgorithm
  readonly usage: KeyUsage
  readonly custody: Custody
}

/** Every algorithm, for each of its usages, in both custodies: but Ed25519, which no token here wraps. */
export const kinds: readonly Kind[] = keyAlgorithms.flatMap(algorithm =>
  usagesOf[algorithm].flatMap(usage =>
    (algorithm === 'Ed25519' ? (['resident'] as const) : (['sealed', 'resident'] as const)).map(custody => ({
      algorithm,
      usage,
      custody,
    })),
  ),
)

export const nameOf = ({ algorithm, usage, custody }: Kind): string => `${algorithm.toLowerCase()}-${usage}-${custody}`

const curveSignatures: ReadonlyMap<KeyAlgorithm, SignatureAlgorithm> = new Map([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
])
const rsaSignatures = ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] as const

export function signatureAlgorithmsOf(algorithm: KeyAlgorithm): readonly SignatureAlgorithm[] {
  if (algorithm.startsWith('RSA')) return rsaSignatures
  return [curveSignatures.get(algorithm) ?? 'EdDSA']
}

/** Key material made by node:crypto. */
export function newMaterial(algorithm: KeyAlgorithm): Material {
  const number = Number(/\d+$/.exec(algorithm)?.[0])
  if (algorithm.startsWith('P-')) return generateKeyPairSync('ec', { namedCurve: algorithm }).privateKey
  if (algorithm.startsWith('RSA')) return generateKeyPairSync('rsa', { modulusLength: number }).privateKey
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519').privateKey
  return randomBytes(number / 8)
}
