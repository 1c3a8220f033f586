import pkcs11js from 'pkcs11js'
import {
  keyAlgorithms,
  signatureAlgorithms,
  WarderError,
  type Custody,
  type KeyAlgorithm,
  type SignatureAlgorithm,
  type TokenCapabilities,
} from '@warder/contract'
import { keyForms, signatureForms } from './algorithms.ts'
import { mechanismName } from './cryptoki.ts'
import type { TokenDescription } from './find-token.ts'

export interface MechanismFacts {
  readonly min: number
  readonly max: number
  readonly flags: number
}

export type Mechanisms = ReadonlyMap<number, MechanismFacts>

/** What was learnt by trying: the key algorithms whose private keys went out and came back. */
export type Wrappable = ReadonlySet<KeyAlgorithm>

/** Decides from what the token lists and what was tried on it; asks nothing itself. */
export class Capabilities {
  readonly #mechanisms: Mechanisms
  readonly #wrappable: Wrappable
  readonly published: TokenCapabilities

  constructor(token: TokenDescription, mechanisms: Mechanisms, wrappable: Wrappable) {
    this.#mechanisms = mechanisms
    this.#wrappable = wrappable
    const generate = (custody: Custody) =>
      keyAlgorithms.filter(algorithm => this.#missingToGenerate(algorithm, custody) === undefined)
    this.published = {
      token: {
        label: token.label,
        serial: token.serial,
        manufacturer: token.manufacturer,
        model: token.model,
        firmware: token.firmware,
      },
      generate: { resident: generate('resident'), sealed: generate('sealed') },
      sign: signatureAlgorithms.filter(algorithm => this.#missingToSign(algorithm) === undefined),
      mechanisms: [...mechanisms.keys()].map(mechanismName).toSorted(),
    }
  }

  /** @throws WarderError `unsupported-mechanism` when a key like this cannot be made here. */
  requireGenerate(algorithm: KeyAlgorithm, custody: Custody): void {
    const missing = this.#missingToGenerate(algorithm, custody)
    if (missing === undefined) return
    const mechanism = mechanismName(missing)
    throw new WarderError(
      'unsupported-mechanism',
      `this token cannot make ${custody} ${algorithm} keys: ${mechanism}`,
      {
        facts: { mechanism, algorithm, custody },
      },
    )
  }

  /** @throws WarderError `unsupported-mechanism` when a signature like this cannot be made here. */
  requireSign(algorithm: SignatureAlgorithm): void {
    const missing = this.#missingToSign(algorithm)
    if (missing === undefined) return
    const mechanism = mechanismName(missing)
    throw new WarderError('unsupported-mechanism', `this token cannot make ${algorithm} signatures: ${mechanism}`, {
      facts: { mechanism, algorithm },
    })
  }

  #missingToGenerate(algorithm: KeyAlgorithm, custody: Custody): number | undefined {
    const missing = missingToMake(this.#mechanisms, algorithm)
    if (missing !== undefined) return missing
    return custody === 'resident' || this.#wrappable.has(algorithm) ? undefined : pkcs11js.CKM_AES_KEY_WRAP_PAD
  }

  #missingToSign(algorithm: SignatureAlgorithm): number | undefined {
    const { mechanism } = signatureForms[algorithm].mechanism
    return can(this.#mechanisms, mechanism, pkcs11js.CKF_SIGN) ? undefined : mechanism
  }
}

/** The mechanism for want of which no such key pair can be made, or none could ever sign. */
export function missingToMake(mechanisms: Mechanisms, algorithm: KeyAlgorithm): number | undefined {
  const form = keyForms[algorithm]
  if (!can(mechanisms, form.generation, pkcs11js.CKF_GENERATE_KEY_PAIR)) return form.generation
  const size = mechanisms.get(form.generation)
  // of an Edwards curve there is one size here, which modules state in different units
  const sized = form.family !== 'edwards' && size !== undefined && size.max > 0
  if (sized && (form.bits < size.min || form.bits > size.max)) return form.generation
  return form.signing.some(mechanism => can(mechanisms, mechanism, pkcs11js.CKF_SIGN)) ? undefined : form.signing[0]
}

export function canWrap(mechanisms: Mechanisms): boolean {
  return can(mechanisms, pkcs11js.CKM_AES_KEY_WRAP_PAD, pkcs11js.CKF_WRAP | pkcs11js.CKF_UNWRAP)
}

function can(mechanisms: Mechanisms, mechanism: number, flags: number): boolean {
  const facts = mechanisms.get(mechanism)
  return facts !== undefined && (facts.flags & flags) === flags
}
