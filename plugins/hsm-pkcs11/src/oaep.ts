import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import pkcs11js from 'pkcs11js'
import { oaepAlgorithms, type OaepAlgorithm } from '@warder/contract'
import { can, missingToGenerate, type Mechanisms } from './mechanisms.ts'
import { ckrOf, meaningOf } from './ckr.ts'
import { holding, ownBytes, type Cryptoki, type Handle, type Mechanism } from './cryptoki.ts'
import { makePair } from './generate-key.ts'
import type { Keeper } from './keeper.ts'
import type { SessionPool } from './session-pool.ts'
import { readSpki } from './spki.ts'
import { departingPair } from './templates.ts'

/** The longest modulus of any key here. */
const maxModulusBytes = 512
/** CKZ_DATA_SPECIFIED: the label is given here, and is empty. */
const dataSpecified = 1

/** RSAES-OAEP (RFC 8017 section 7.1) by JOSE name: the hash as node:crypto and as PKCS#11 know it. */
export const oaepForms: Readonly<Record<OaepAlgorithm, { readonly hash: string; readonly mechanism: Mechanism }>> = {
  'RSA-OAEP': oaep('sha1', pkcs11js.CKM_SHA_1, pkcs11js.CKG_MGF1_SHA1),
  'RSA-OAEP-256': oaep('sha256', pkcs11js.CKM_SHA256, pkcs11js.CKG_MGF1_SHA256),
  'RSA-OAEP-384': oaep('sha384', pkcs11js.CKM_SHA384, pkcs11js.CKG_MGF1_SHA384),
  'RSA-OAEP-512': oaep('sha512', pkcs11js.CKM_SHA512, pkcs11js.CKG_MGF1_SHA512),
}

function oaep(hash: string, hashAlg: number, mgf: number): { readonly hash: string; readonly mechanism: Mechanism } {
  const parameter = { type: pkcs11js.CK_PARAMS_RSA_OAEP, hashAlg, mgf, source: dataSpecified }
  return { hash, mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS_OAEP, parameter } }
}

/** @throws TypeError when it is none of them. */
export function requireOaepName(algorithm: OaepAlgorithm): void {
  if (!Object.hasOwn(oaepForms, algorithm)) throw new TypeError('unknown algorithm')
}

export async function oaepDecrypt(
  lib: Cryptoki,
  session: Handle,
  handle: Handle,
  algorithm: OaepAlgorithm,
  ciphertext: Uint8Array,
): Promise<Uint8Array> {
  const input = ownBytes(ciphertext)
  const out = Buffer.alloc(maxModulusBytes)
  try {
    lib.C_DecryptInit(session, oaepForms[algorithm].mechanism, handle)
    return new Uint8Array(await holding([input, out], lib.C_DecryptAsync(session, input, out)))
  } finally {
    out.fill(0)
  }
}

/** Encrypts with node:crypto, which knows nothing of the token. */
export function oaepEncrypt(spki: Uint8Array, algorithm: OaepAlgorithm, plaintext: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const { hash } = oaepForms[algorithm]
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash }, plaintext)
}

/**
 * Which hashes the token really takes: the mechanism's entry in its list does not tell. Found by decrypting with a key made
 * for this, at the first need and not at opening, because making it takes a while.
 */
export class OaepProbe {
  readonly #lib: Cryptoki
  readonly #pool: SessionPool
  readonly #keeper: Keeper
  readonly #mechanisms: Mechanisms
  #found: Promise<ReadonlySet<OaepAlgorithm>> | undefined

  constructor(lib: Cryptoki, pool: SessionPool, keeper: Keeper, mechanisms: Mechanisms) {
    this.#lib = lib
    this.#pool = pool
    this.#keeper = keeper
    this.#mechanisms = mechanisms
  }

  /** A failure of the token is not remembered as an answer. */
  async offered(): Promise<ReadonlySet<OaepAlgorithm>> {
    this.#found ??= this.#probe()
    try {
      return await this.#found
    } catch (error) {
      this.#found = undefined
      throw error
    }
  }

  async #probe(): Promise<ReadonlySet<OaepAlgorithm>> {
    const offered = new Set<OaepAlgorithm>()
    if (!can(this.#mechanisms, pkcs11js.CKM_RSA_PKCS_OAEP, pkcs11js.CKF_DECRYPT)) return offered
    if (missingToGenerate(this.#mechanisms, 'RSA-2048') !== undefined) return offered
    // the keeper's, so that it outlives the sessions in which an attempt fails
    const { pair, spki } = await this.#keeper.exclusive(async session => {
      const made = await makePair(this.#lib, session, 'RSA-2048', departingPair('RSA-2048', 'encrypt'))
      return { pair: made, spki: readSpki(this.#lib, session, made.publicKey, 'RSA-2048') }
    })
    try {
      for (const algorithm of oaepAlgorithms) {
        if (await this.#opens(pair.privateKey, spki, algorithm)) offered.add(algorithm)
      }
    } finally {
      await this.#keeper.exclusive(session => {
        for (const half of [pair.privateKey, pair.publicKey]) this.#lib.C_DestroyObject(session, half)
      })
    }
    return offered
  }

  // a token that is gone fails the probe; any other refusal is its answer
  async #opens(privateKey: Handle, spki: Uint8Array, algorithm: OaepAlgorithm): Promise<boolean> {
    const plaintext = randomBytes(32)
    try {
      return await this.#pool.withSession(unhurried, async session => {
        const ciphertext = oaepEncrypt(spki, algorithm, plaintext)
        return plaintext.equals(await oaepDecrypt(this.#lib, session, privateKey, algorithm, ciphertext))
      })
    } catch (error) {
      const ckr = ckrOf(error)
      if (ckr === undefined || meaningOf(ckr) === 'gone') throw error
      return false
    }
  }
}

// the answer is shared by all callers: none of them ends it for the others
const unhurried = { signal: new AbortController().signal }
