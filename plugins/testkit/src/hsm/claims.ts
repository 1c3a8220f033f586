import {
  oaepAlgorithms,
  usagesOf,
  type Custody,
  type EncryptionAlgorithm,
  type KeyAlgorithm,
  type KeyPurpose,
  type KeyUsage,
  type OaepAlgorithm,
  type SignatureAlgorithm,
  type TokenCapabilities,
} from '@warder/contract'
import { signers } from './independent.ts'

/** What follows from a token's capabilities: the cases ask for what it claims, and expect a refusal of all else. */
export class Claims {
  readonly published: TokenCapabilities

  constructor(published: TokenCapabilities) {
    this.published = published
  }

  makes(custody: Custody, algorithm: KeyAlgorithm, usage: KeyPurpose): boolean {
    const { generate, usages } = this.published
    if (!generate[custody].includes(algorithm)) return false
    if (usage === 'import') return custody === 'sealed' && algorithm === 'RSA-4096' && this.oaep !== undefined
    if (!usages.includes(usage) || !usagesOf[algorithm].includes(usage)) return false
    if (usage === 'sign') return this.published.sign.some(signature => signers[signature].includes(algorithm))
    if (usage === 'encrypt') return algorithm === 'AES-256' ? this.opens('A256GCM') : this.oaep !== undefined
    return true
  }

  /** The custodies such a key can be made in. */
  custodies(algorithm: KeyAlgorithm, usage: KeyPurpose): readonly Custody[] {
    return (['resident', 'sealed'] as const).filter(custody => this.makes(custody, algorithm, usage))
  }

  signs(algorithm: SignatureAlgorithm): boolean {
    return this.published.sign.includes(algorithm)
  }

  opens(algorithm: EncryptionAlgorithm): boolean {
    return this.published.encrypt.includes(algorithm)
  }

  /** The first OAEP there is; without one nothing can be brought in or taken out. */
  get oaep(): OaepAlgorithm | undefined {
    return oaepAlgorithms.find(algorithm => this.opens(algorithm))
  }

  /** Whether keys can be brought here: through an import key, which is sealed. */
  get imports(): boolean {
    return this.makes('sealed', 'RSA-4096', 'import')
  }

  /**
   * Whether such a key must be taken in: what goes out and comes back as a sealed key can be brought in any custody. A key
   * that can only be made on the token may be refused.
   */
  takes(custody: Custody, algorithm: KeyAlgorithm, usage: KeyUsage): boolean {
    return this.imports && this.makes(custody, algorithm, usage) && this.makes('sealed', algorithm, usage)
  }
}
