import pkcs11js from 'pkcs11js'
import { keyAlgorithms, WarderError, type KeyAlgorithm } from '@warder/contract'
import { keyForms } from './algorithms.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'
import { asNumber, findObjects, readAttributes, readName } from './objects.ts'
import { readSpki, rsaBits } from './spki.ts'
import { tenantLabel } from './templates.ts'

export interface ResidentKey {
  readonly algorithm: KeyAlgorithm
  readonly handle: Handle
  readonly spki: Uint8Array
}

/**
 * Tenants' keys on the token, by CKA_ID. Handles are read once and kept; other processes add and remove keys meanwhile,
 * so a miss asks the token, and a handle that has gone bad is resolved anew. Only objects labelled
 * `tenant/<id>` are ever found: the appliance's own keys are out of reach, whatever id is asked for.
 *
 * Methods that take a session use it for one search at a time and let errors of the token pass.
 */
export class ResidentKeys {
  readonly #lib: Cryptoki
  readonly #keys = new Map<string, ResidentKey>()
  /** What a key was before its handle went bad: it has to be the same again. */
  readonly #known = new Map<string, Uint8Array>()

  constructor(lib: Cryptoki) {
    this.#lib = lib
  }

  /**
   * Reads every tenant key of the token. One that is not whole, or whose id is not its own, is left out here, and refused
   * when it is asked for: it must not keep the others from being used.
   */
  enumerate(session: Handle): number {
    const publicKeys = new Map(this.#tenantObjects(session, pkcs11js.CKO_PUBLIC_KEY))
    const seen = new Set<string>()
    for (const [id, handle] of this.#tenantObjects(session, pkcs11js.CKO_PRIVATE_KEY)) {
      const key = seen.has(id) ? undefined : this.#read(session, handle, publicKeys.get(id))
      seen.add(id)
      if (key === undefined) this.#keys.delete(id)
      else this.#keys.set(id, key)
    }
    return this.#keys.size
  }

  add(id: string, key: ResidentKey): void {
    this.#keys.set(id, key)
  }

  /**
   * The key, still on the token at this moment; `undefined` when the token does not have it (or is dead: ask the canary).
   * @throws WarderError `hsm-key-missing` when another key now has its id.
   */
  locate(session: Handle, id: string): ResidentKey | undefined {
    const cached = this.#keys.get(id)
    if (cached !== undefined) {
      try {
        const [found] = readAttributes(this.#lib, session, cached.handle, [pkcs11js.CKA_ID])
        if (found.toString('hex') === id) return cached
      } catch (error) {
        const ckr = ckrOf(error)
        if (!isHandleInvalid(error) && !(ckr !== undefined && meaningOf(ckr) === 'ambiguous')) throw error
      }
      this.distrust(id)
    }
    return this.#resolve(session, id)
  }

  cached(id: string): ResidentKey | undefined {
    return this.#keys.get(id)
  }

  /** Forgets the handle but not which key it was. */
  distrust(id: string): void {
    const key = this.#keys.get(id)
    if (key === undefined) return
    this.#known.set(id, key.spki)
    this.#keys.delete(id)
  }

  /** Every object of this tenant key, the private half first. */
  objects(session: Handle, id: string): readonly Handle[] {
    return findObjects(this.#lib, session, named(id))
      .map(handle => {
        const [objectClass] = readAttributes(this.#lib, session, handle, [pkcs11js.CKA_CLASS])
        return { handle, isPrivate: asNumber(objectClass) === pkcs11js.CKO_PRIVATE_KEY }
      })
      .toSorted((a, b) => Number(b.isPrivate) - Number(a.isPrivate))
      .map(({ handle }) => handle)
  }

  remove(id: string): void {
    this.#keys.delete(id)
    this.#known.delete(id)
  }

  #resolve(session: Handle, id: string): ResidentKey | undefined {
    const [privateKey, another] = findObjects(this.#lib, session, [privateClass, ...named(id)])
    if (privateKey === undefined) return undefined
    if (another !== undefined) throw keyMissing(id, 'several keys have this id')
    const [publicKey] = findObjects(this.#lib, session, [publicClass, ...named(id)])
    const key = this.#read(session, privateKey, publicKey)
    if (key === undefined) throw keyMissing(id, 'its public half is missing or of another kind')
    const known = this.#known.get(id)
    if (known !== undefined && !Buffer.from(known).equals(key.spki)) throw keyMissing(id, 'another key has this id')
    this.#known.delete(id)
    this.#keys.set(id, key)
    return key
  }

  #read(session: Handle, privateKey: Handle, publicKey: Handle | undefined): ResidentKey | undefined {
    const algorithm = this.#algorithmOf(session, privateKey)
    if (algorithm === undefined || publicKey === undefined) return undefined
    try {
      return { algorithm, handle: privateKey, spki: readSpki(this.#lib, session, publicKey, algorithm) }
    } catch (error) {
      // the token's failure is a failure; a public half that is no such public key is a key that is not whole
      if (ckrOf(error) !== undefined) throw error
      return undefined
    }
  }

  #algorithmOf(session: Handle, handle: Handle): KeyAlgorithm | undefined {
    const [type] = readAttributes(this.#lib, session, handle, [pkcs11js.CKA_KEY_TYPE])
    const candidates = keyAlgorithms.filter(algorithm => keyForms[algorithm].keyType === asNumber(type))
    if (candidates.length === 0) return undefined
    const shape = asNumber(type) === pkcs11js.CKK_RSA ? pkcs11js.CKA_MODULUS : pkcs11js.CKA_EC_PARAMS
    const [value] = readAttributes(this.#lib, session, handle, [shape])
    return candidates.find(algorithm => {
      const form = keyForms[algorithm]
      if (form.family === 'rsa') return rsaBits(value) === form.bits
      return value.equals(form.parameters) || (form.family === 'edwards' && value.equals(form.curveName))
    })
  }

  *#tenantObjects(session: Handle, objectClass: number): Iterable<readonly [string, Handle]> {
    const all: Template = [
      { type: pkcs11js.CKA_CLASS, value: objectClass },
      { type: pkcs11js.CKA_TOKEN, value: true },
    ]
    for (const handle of findObjects(this.#lib, session, all)) {
      const name = readName(this.#lib, session, handle)
      const id = name?.id.toString('hex') ?? ''
      if (id.length === 32 && name?.label === tenantLabel(id)) yield [id, handle]
    }
  }
}

const privateClass = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }
const publicClass = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY }

function named(id: string): Template {
  return [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: tenantLabel(id) },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
  ]
}

export function keyMissing(id: string, reason: string, cause?: unknown): WarderError {
  return new WarderError('hsm-key-missing', `resident key ${id}: ${reason}`, { facts: { id, reason }, cause })
}
