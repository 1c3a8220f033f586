import pkcs11js from 'pkcs11js'
import {
  keyAlgorithms,
  keyUsages,
  oaepAlgorithms,
  signatureAlgorithms,
  usagesOf,
  WarderError,
  type Custody,
  type KeyAlgorithm,
  type KeyPurpose,
  type KeySpec,
  type KeyUsage,
  type OaepAlgorithm,
  type SignatureAlgorithm,
  type TokenCapabilities,
} from '@warder/contract'
import { keyForms, signatureForms } from './algorithms.ts'
import { mechanismName } from './cryptoki.ts'
import type { TokenDescription } from './find-token.ts'
import { can, missingToGenerate, missingToServe, type Mechanisms } from './mechanisms.ts'

/** What was learnt by trying: the key algorithms whose keys went out and came back. */
export type Wrappable = ReadonlySet<KeyAlgorithm>

/** What was learnt by trying: the hashes of OAEP. Found late, and so passed to whoever needs it. */
export type Oaep = ReadonlySet<OaepAlgorithm>

/** Decides from what the token lists and what was tried on it; asks nothing itself. */
export class Capabilities {
  readonly #mechanisms: Mechanisms
  readonly #wrappable: Wrappable
  readonly #wrapsBytes: boolean
  readonly token: TokenCapabilities['token']

  constructor(token: TokenDescription, mechanisms: Mechanisms, wrappable: Wrappable, wrapsBytes: boolean) {
    this.#mechanisms = mechanisms
    this.#wrappable = wrappable
    this.#wrapsBytes = wrapsBytes
    const { label, serial, manufacturer, model, firmware } = token
    this.token = { label, serial, manufacturer, model, firmware }
  }

  published(oaep: Oaep): TokenCapabilities {
    const makes = (algorithm: KeyAlgorithm, usage: KeyUsage, custody: Custody): boolean =>
      this.#missing(algorithm, usage, custody, oaep) === undefined
    const generate = (custody: Custody): readonly KeyAlgorithm[] =>
      keyAlgorithms.filter(algorithm => usagesOf[algorithm].some(usage => makes(algorithm, usage, custody)))
    const gcm = missingToServe(this.#mechanisms, 'AES-256', 'encrypt') === undefined ? (['A256GCM'] as const) : []
    return {
      token: this.token,
      generate: { resident: generate('resident'), sealed: generate('sealed') },
      usages: keyUsages.filter(usage =>
        keyAlgorithms.some(algorithm => usagesOf[algorithm].includes(usage) && makes(algorithm, usage, 'resident')),
      ),
      sign: signatureAlgorithms.filter(algorithm => this.#missingToSign(algorithm) === undefined),
      encrypt: [...gcm, ...oaepAlgorithms.filter(algorithm => oaep.has(algorithm))],
      mechanisms: [...this.#mechanisms.keys()].map(mechanismName).toSorted(),
    }
  }

  /** @throws WarderError `unsupported-mechanism` when a key like this cannot be made here. */
  requireGenerate({ algorithm, usage, custody }: KeySpec, oaep: Oaep): void {
    const missing = this.#missing(algorithm, usage, custody, oaep)
    if (missing === undefined) return
    const mechanism = mechanismName(missing)
    throw new WarderError(
      'unsupported-mechanism',
      `this token cannot make ${custody} ${algorithm} keys: ${mechanism}`,
      { facts: { mechanism, algorithm, custody } },
    )
  }

  /** @throws WarderError `unsupported-mechanism` when a key like this cannot be brought here, or not in this way. */
  requireImport(spec: KeySpec, way: OaepAlgorithm, oaep: Oaep): void {
    this.requireOaep(way, pkcs11js.CKF_UNWRAP, oaep)
    // what cannot be wrapped out cannot be unwrapped either, so for once it is the same for both custodies
    this.requireGenerate({ ...spec, custody: 'sealed' }, oaep)
  }

  /** @throws WarderError `unsupported-mechanism` when the token does not do this with this OAEP. `flag`: a CKF_. */
  requireOaep(algorithm: OaepAlgorithm, flag: number, oaep: Oaep): void {
    if (oaep.has(algorithm) && can(this.#mechanisms, pkcs11js.CKM_RSA_PKCS_OAEP, flag)) return
    throw unsupported(pkcs11js.CKM_RSA_PKCS_OAEP, algorithm)
  }

  /** @throws WarderError `unsupported-mechanism` when a signature like this cannot be made here. */
  requireSign(algorithm: SignatureAlgorithm): void {
    const missing = this.#missingToSign(algorithm)
    if (missing !== undefined) throw unsupported(missing, algorithm)
  }

  /** @throws WarderError `unsupported-mechanism` when a key of this kind cannot serve here, wherever it was made. */
  requireServe(algorithm: KeyAlgorithm, usage: KeyPurpose): void {
    const missing = this.#missingToServe(algorithm, usage)
    if (missing !== undefined) throw unsupported(missing, algorithm)
  }

  #missing(algorithm: KeyAlgorithm, usage: KeyPurpose, custody: Custody, oaep: Oaep): number | undefined {
    const missing = missingToGenerate(this.#mechanisms, algorithm) ?? this.#missingToServe(algorithm, usage)
    if (missing !== undefined) return missing
    if (custody === 'sealed' && !this.#wrappable.has(algorithm)) return pkcs11js.CKM_AES_KEY_WRAP_PAD
    return needsOaep(algorithm, usage) && oaep.size === 0 ? pkcs11js.CKM_RSA_PKCS_OAEP : undefined
  }

  #missingToServe(algorithm: KeyAlgorithm, usage: KeyPurpose): number | undefined {
    if (usage === 'wrap' && !this.#wrapsBytes) return pkcs11js.CKM_AES_KEY_WRAP_PAD
    return missingToServe(this.#mechanisms, algorithm, usage)
  }

  #missingToSign(algorithm: SignatureAlgorithm): number | undefined {
    const { mechanism } = signatureForms[algorithm].mechanism
    return can(this.#mechanisms, mechanism, pkcs11js.CKF_SIGN) ? undefined : mechanism
  }
}

/** Whether the hashes of OAEP have to be known, to decide about such a key. */
export function needsOaep(algorithm: KeyAlgorithm, usage: KeyPurpose): boolean {
  return keyForms[algorithm].family === 'rsa' && (usage === 'encrypt' || usage === 'import')
}

function unsupported(missing: number, algorithm: string): WarderError {
  const mechanism = mechanismName(missing)
  return new WarderError('unsupported-mechanism', `this token does not offer ${algorithm}: ${mechanism}`, {
    facts: { mechanism, algorithm },
  })
}
