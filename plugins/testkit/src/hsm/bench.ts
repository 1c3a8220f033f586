import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import {
  type Custody,
  type GeneratedKey,
  type KeyAlgorithm,
  type KeyProvider,
  type KeyPurpose,
  type KeySpec,
  type Op,
  type ResidentRef,
  type SealedRef,
} from '@warder/contract'
import { patientOp, quietHost } from '../host.ts'
import { Claims } from './claims.ts'
import type { HsmPlace, HsmSubject } from './subject.ts'

/** A provider on loan, with what its token claims. */
export interface Token {
  readonly provider: KeyProvider
  readonly claims: Claims
}

/** What the cases are written with. Providers are lent: opened before `use`, closed after it whatever happens. */
export class Bench<Config> {
  readonly subject: HsmSubject<Config>

  constructor(subject: HsmSubject<Config>) {
    this.subject = subject
  }

  async withPlace<T>(use: (place: HsmPlace<Config>) => Promise<T>): Promise<T> {
    const place = await this.subject.place()
    try {
      return await use(place)
    } finally {
      await place.remove()
    }
  }

  async withToken<T>(place: HsmPlace<Config>, use: (token: Token) => Promise<T>): Promise<T> {
    const provider = await this.open(place)
    try {
      return await use({ provider, claims: new Claims(await provider.capabilities(op)) })
    } finally {
      await provider[Symbol.asyncDispose]()
    }
  }

  withFreshToken<T>(use: (token: Token) => Promise<T>): Promise<T> {
    return this.withPlace(place => this.withToken(place, use))
  }

  open(place: HsmPlace<Config>): Promise<KeyProvider> {
    return this.subject.plugin.open(place.config, quietHost(), patientOp())
  }
}

/** A call that nothing ends. Many wait on it at once, which Node would warn of. */
export const op = crowded(patientOp())

/** The same operation, for more calls at once than Node expects on one signal. */
export function crowded<Given extends Op>(given: Given): Given {
  setMaxListeners(0, given.signal)
  return given
}

export const custodies: readonly Custody[] = ['resident', 'sealed']

export function newId(): string {
  return randomBytes(16).toString('hex')
}

export function spec(algorithm: KeyAlgorithm, usage: KeyPurpose, rest: Partial<KeySpec> = {}): KeySpec {
  return { algorithm, usage, custody: 'sealed', exportable: false, id: newId(), ...rest }
}

/** A reference to a key that no token has, for commands that must be refused before the key is looked for. */
export function nobody(algorithm: KeyAlgorithm, usage: KeyPurpose): ResidentRef {
  return { custody: 'resident', algorithm, usage, id: newId() }
}

export function residentRef({ ref }: GeneratedKey): ResidentRef {
  if (ref.custody !== 'resident') throw new Error('a resident key was asked for')
  return ref
}

export function sealedRef({ ref }: GeneratedKey): SealedRef {
  if (ref.custody !== 'sealed') throw new Error('a sealed key was asked for')
  return ref
}

/** A copy with one bit of the byte at `at` turned. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0x01
  return copy
}
