import { setMaxListeners } from 'node:events'
import pkcs11js from 'pkcs11js'
import {
  maxSignAll,
  WarderError,
  type Ciphertext,
  type KeyRef,
  type Op,
  type Sealed,
  type SignatureAlgorithm,
} from '@warder/contract'
import { agree, readPeer } from './agree.ts'
import { keyForms } from './algorithms.ts'
import type { Capabilities } from './capabilities.ts'
import type { Cryptoki } from './cryptoki.ts'
import { gcmDecrypt, gcmEncrypt, maxPlaintextBytes } from './gcm.ts'
import type { Lending } from './lending.ts'
import { macWith, maxMacBytes } from './mac.ts'
import { oaepDecrypt, requireOaepName, type OaepProbe } from './oaep.ts'
import { opening } from './opening.ts'
import { requireUsage } from './purposes.ts'
import { isFast, signInline, signInput, signWith } from './sign.ts'
import { maxBytes, unwrapBytes, wrapBytes } from './wrap-bytes.ts'

interface KeyUseParts {
  readonly lib: Cryptoki
  readonly capabilities: Capabilities
  readonly oaep: OaepProbe
  readonly lending: Lending
  readonly alive: () => Promise<boolean>
}

/** What keys are for: each operation checks what it is given, then has the key lent for it. Errors of the token pass. */
export class KeyUses {
  readonly #parts: KeyUseParts
  readonly #lending: Lending

  constructor(parts: KeyUseParts) {
    this.#parts = parts
    this.#lending = parts.lending
  }

  async sign(ref: KeyRef, algorithm: SignatureAlgorithm, input: Uint8Array, op: Op): Promise<Uint8Array> {
    requireUsage(ref, 'sign')
    const bytes = signInput(ref.algorithm, algorithm, input)
    const { lib, capabilities } = this.#parts
    capabilities.requireSign(algorithm)
    return this.#lending.withKey(ref, 'sign', op, (session, key) =>
      signWith(lib, session, key, ref.algorithm, algorithm, bytes),
    )
  }

  async signAll(
    ref: KeyRef,
    algorithm: SignatureAlgorithm,
    inputs: readonly Uint8Array[],
    op: Op,
  ): Promise<readonly Uint8Array[]> {
    if (inputs.length < 1 || inputs.length > maxSignAll) throw new TypeError(`1 to ${maxSignAll} inputs are signed`)
    requireUsage(ref, 'sign')
    const { lib, capabilities } = this.#parts
    const all = inputs.map(input => signInput(ref.algorithm, algorithm, input))
    capabilities.requireSign(algorithm)
    if (isFast(ref.algorithm)) {
      return this.#lending.withKey(ref, 'sign', op, (session, key) =>
        all.map(bytes => signInline(lib, session, key, algorithm, bytes)),
      )
    }
    // worker threads make them side by side, and each may wait on the one signal
    setMaxListeners(0, op.signal)
    // none may be under way any more when this ends
    const made = await Promise.allSettled(
      all.map(bytes =>
        this.#lending.withKey(ref, 'sign', op, (session, key) =>
          signWith(lib, session, key, ref.algorithm, algorithm, bytes),
        ),
      ),
    )
    return made.map(each => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
  }

  async encrypt(ref: KeyRef, plaintext: Uint8Array, aad: Uint8Array, op: Op): Promise<Sealed> {
    requireBytes('plaintext', plaintext, 0, maxPlaintextBytes)
    requireUsage(ref, 'encrypt')
    // the public key of a pair encrypts where nothing is secret: not here
    requireFamily(ref, 'aes')
    const { lib, capabilities } = this.#parts
    capabilities.requireServe(ref.algorithm, 'encrypt')
    return this.#lending.withKey(ref, 'encrypt', op, (session, key) => gcmEncrypt(lib, session, key, plaintext, aad))
  }

  async decrypt(ref: KeyRef, input: Ciphertext, op: Op): Promise<Uint8Array> {
    requireUsage(ref, 'encrypt')
    const { lib, capabilities } = this.#parts
    if (input.algorithm === 'A256GCM') {
      requireFamily(ref, 'aes')
      capabilities.requireServe(ref.algorithm, 'encrypt')
      return opening(this.#parts.alive, () =>
        this.#lending.withKey(ref, 'encrypt', op, (session, key) => gcmDecrypt(lib, session, key, input, input.aad)),
      )
    }
    const { algorithm, ciphertext } = input
    requireOaepName(algorithm)
    requireFamily(ref, 'rsa')
    capabilities.requireOaep(algorithm, pkcs11js.CKF_DECRYPT, await this.#parts.oaep.offered())
    return opening(this.#parts.alive, () =>
      this.#lending.withKey(ref, 'encrypt', op, (session, key) =>
        oaepDecrypt(lib, session, key, algorithm, ciphertext),
      ),
    )
  }

  async mac(ref: KeyRef, data: Uint8Array, op: Op): Promise<Uint8Array> {
    requireBytes('data', data, 0, maxMacBytes)
    requireUsage(ref, 'mac')
    requireFamily(ref, 'hmac')
    const { lib, capabilities } = this.#parts
    capabilities.requireServe(ref.algorithm, 'mac')
    return this.#lending.withKey(ref, 'mac', op, (session, key) => macWith(lib, session, key, ref.algorithm, data))
  }

  async wrap(ref: KeyRef, bytes: Uint8Array, op: Op): Promise<Uint8Array> {
    requireBytes('bytes', bytes, 1, maxBytes)
    requireUsage(ref, 'wrap')
    requireFamily(ref, 'aes')
    const { lib, capabilities } = this.#parts
    capabilities.requireServe(ref.algorithm, 'wrap')
    return this.#lending.withKey(ref, 'wrap', op, (session, key) => wrapBytes(lib, session, key, bytes))
  }

  async unwrap(ref: KeyRef, wrapped: Uint8Array, op: Op): Promise<Uint8Array> {
    requireUsage(ref, 'wrap')
    requireFamily(ref, 'aes')
    const { lib, capabilities } = this.#parts
    capabilities.requireServe(ref.algorithm, 'wrap')
    return opening(this.#parts.alive, () =>
      this.#lending.withKey(ref, 'wrap', op, (session, key) => unwrapBytes(lib, session, key, wrapped)),
    )
  }

  async derive(ref: KeyRef, peer: Uint8Array, op: Op): Promise<Uint8Array> {
    requireUsage(ref, 'derive')
    requireFamily(ref, 'ec')
    const { lib, capabilities } = this.#parts
    capabilities.requireServe(ref.algorithm, 'derive')
    const key = readPeer(peer, ref.algorithm)
    return this.#lending.withKey(ref, 'derive', op, (session, own) => agree(lib, session, own, ref.algorithm, key))
  }
}

function requireBytes(name: string, bytes: Uint8Array, least: number, most: number): void {
  if (bytes instanceof Uint8Array && bytes.length >= least && bytes.length <= most) return
  throw new TypeError(`${name} must be ${least} to ${most} bytes`)
}

/** For a usage that keys of several kinds have, each with its own operation. */
function requireFamily({ algorithm }: KeyRef, family: string): void {
  if (!Object.hasOwn(keyForms, algorithm)) throw new TypeError('unknown key algorithm')
  if (keyForms[algorithm].family === family) return
  throw new WarderError('algorithm-mismatch', `a ${algorithm} key does not do this`, {
    facts: { keyAlgorithm: algorithm },
  })
}
