import pkcs11js from 'pkcs11js'
import {
  keyAlgorithms,
  WarderError,
  type GeneratedKey,
  type KeyAlgorithm,
  type KeyPurpose,
  type KeySpec,
  type ResidentRef,
} from '@warder/contract'
import { isCurve, isSecret, keyForms } from './algorithms.ts'
import { ckrOf, isHandleInvalid, meaningOf } from './ckr.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'
import { copyIdentity, identify, sameIdentity, type Identity } from './identity.ts'
import { asBoolean, asNumber, findObjects, readAttributes, readName } from './objects.ts'
import { purposeOf } from './purposes.ts'
import { rsaBits } from './spki.ts'
import { tenantLabel, usageFlags } from './templates.ts'

export interface ResidentKey {
  readonly algorithm: KeyAlgorithm
  /** By the object's own attributes. */
  readonly usage: KeyPurpose
  readonly handle: Handle
  readonly identity: Identity
}

/**
 * Tenants' keys on the token, by CKA_ID. Handles are read once and kept; other processes add and remove keys meanwhile,
 * so a miss asks the token, and a handle that has gone bad is resolved anew. Only objects labelled
 * `tenant/<id>` are ever found: the appliance's own keys are out of reach, whatever id is asked for.
 *
 * Methods that take a session use it for one search or operation at a time and let errors of the token pass.
 */
export class ResidentKeys {
  readonly #lib: Cryptoki
  readonly #serial: string
  readonly #keys = new Map<string, ResidentKey>()
  /** Secret keys that were seen and not yet asked for: reading one means using it, for its check value. */
  readonly #seen = new Map<string, Handle>()
  /** What a key was before its handle went bad: it has to be the same again. */
  readonly #known = new Map<string, Identity>()

  /** `serial`: of the token. */
  constructor(lib: Cryptoki, serial: string) {
    this.#lib = lib
    this.#serial = serial
  }

  /**
   * Finds every tenant key of the token and answers how many there are. One that is not whole, or whose id is not its own,
   * is left out here, and refused when it is asked for: it must not keep the others from being used.
   */
  enumerate(session: Handle): number {
    const publicKeys = new Map(this.#tenantObjects(session, pkcs11js.CKO_PUBLIC_KEY))
    const found = new Set<string>()
    const doubled = new Set<string>()
    const see = (id: string): boolean => {
      if (found.has(id)) doubled.add(id)
      found.add(id)
      return !doubled.has(id)
    }
    for (const [id, handle] of this.#tenantObjects(session, pkcs11js.CKO_PRIVATE_KEY)) {
      const key = see(id) ? this.#read(session, handle, publicKeys.get(id)) : undefined
      if (key !== undefined) this.#keys.set(id, key)
    }
    for (const [id, handle] of this.#tenantObjects(session, pkcs11js.CKO_SECRET_KEY)) {
      if (see(id)) this.#seen.set(id, handle)
    }
    for (const id of doubled) {
      this.#keys.delete(id)
      this.#seen.delete(id)
    }
    return this.#keys.size + this.#seen.size
  }

  /** @throws WarderError `hsm-key-missing` when the reference is to a key of another token. */
  requireHere({ id, token }: ResidentRef): void {
    if (token !== undefined && token !== this.#serial) throw keyMissing(id, 'on another token')
  }

  /** @throws WarderError `key-exists` when the token has an object of this id. */
  requireFree(session: Handle, id: string): void {
    if (this.objects(session, id).length === 0) return
    throw new WarderError('key-exists', 'the token has a key of this id', { facts: { id } })
  }

  /** Takes in a key that was just made as its `spec` says, and answers what its maker is told. */
  admit({ id, algorithm, usage }: KeySpec, handle: Handle, identity: Identity): GeneratedKey {
    this.#keys.set(id, { algorithm, usage, handle, identity })
    return { ref: { custody: 'resident', algorithm, usage, id, token: this.#serial }, ...copyIdentity(identity) }
  }

  /**
   * The key, still on the token at this moment; `undefined` when the token does not have it (or is dead: ask the canary).
   * @throws WarderError `hsm-key-missing` when another key now has its id.
   */
  locate(session: Handle, id: string): ResidentKey | undefined {
    const cached = this.#keys.get(id)
    if (cached !== undefined) {
      if (this.#isStill(session, cached.handle, id)) return cached
      this.distrust(id)
    }
    const seen = this.#seen.get(id)
    this.#seen.delete(id)
    if (seen !== undefined && this.#isStill(session, seen, id)) return this.#take(session, id, seen)
    return this.#resolve(session, id)
  }

  cached(id: string): ResidentKey | undefined {
    return this.#keys.get(id)
  }

  /** Forgets the handle but not which key it was. */
  distrust(id: string): void {
    const key = this.#keys.get(id)
    if (key === undefined) return
    this.#known.set(id, key.identity)
    this.#keys.delete(id)
  }

  /** Every object of this tenant key, a public half last. */
  objects(session: Handle, id: string): readonly Handle[] {
    return findObjects(this.#lib, session, named(id))
      .map(handle => {
        const [objectClass] = readAttributes(this.#lib, session, handle, [pkcs11js.CKA_CLASS])
        return { handle, isPublic: asNumber(objectClass) === pkcs11js.CKO_PUBLIC_KEY }
      })
      .toSorted((a, b) => Number(a.isPublic) - Number(b.isPublic))
      .map(({ handle }) => handle)
  }

  remove(id: string): void {
    this.#keys.delete(id)
    this.#seen.delete(id)
    this.#known.delete(id)
  }

  #isStill(session: Handle, handle: Handle, id: string): boolean {
    try {
      const [found] = readAttributes(this.#lib, session, handle, [pkcs11js.CKA_ID])
      return found.toString('hex') === id
    } catch (error) {
      const ckr = ckrOf(error)
      if (!isHandleInvalid(error) && !(ckr !== undefined && meaningOf(ckr) === 'ambiguous')) throw error
      return false
    }
  }

  #resolve(session: Handle, id: string): ResidentKey | undefined {
    const kept = keptClasses.flatMap(kind => findObjects(this.#lib, session, [kind, ...named(id)]))
    const [handle, another] = kept
    if (handle === undefined) return undefined
    if (another !== undefined) throw keyMissing(id, 'several keys have this id')
    return this.#take(session, id, handle)
  }

  #take(session: Handle, id: string, handle: Handle): ResidentKey {
    const [publicKey] = findObjects(this.#lib, session, [publicClass, ...named(id)])
    const key = this.#read(session, handle, publicKey)
    if (key === undefined) throw keyMissing(id, 'its public half is missing, or it is of another kind')
    const known = this.#known.get(id)
    if (known !== undefined && !sameIdentity(known, key.identity)) throw keyMissing(id, 'another key has this id')
    this.#known.delete(id)
    this.#keys.set(id, key)
    return key
  }

  #read(session: Handle, handle: Handle, publicKey: Handle | undefined): ResidentKey | undefined {
    const algorithm = this.#algorithmOf(session, handle)
    if (algorithm === undefined) return undefined
    const usage = this.#usageOf(session, handle, algorithm)
    const told = isSecret(algorithm) ? handle : publicKey
    if (usage === undefined || told === undefined) return undefined
    try {
      return { algorithm, usage, handle, identity: identify(this.#lib, session, told, algorithm, usage) }
    } catch (error) {
      // the token's failure is a failure; a public half that is no such public key is a key that is not whole
      if (ckrOf(error) !== undefined) throw error
      return undefined
    }
  }

  #usageOf(session: Handle, handle: Handle, algorithm: KeyAlgorithm): KeyPurpose | undefined {
    const flags = usageFlags(algorithm)
    const values = readAttributes(this.#lib, session, handle, flags)
    return purposeOf(algorithm, new Set(flags.filter((_, index) => asBoolean(values[index] as Buffer))))
  }

  #algorithmOf(session: Handle, handle: Handle): KeyAlgorithm | undefined {
    const [value] = readAttributes(this.#lib, session, handle, [pkcs11js.CKA_KEY_TYPE])
    const type = asNumber(value)
    const read = (attribute: number): Buffer => readAttributes(this.#lib, session, handle, [attribute])[0]
    return keyAlgorithms.find(algorithm => {
      const form = keyForms[algorithm]
      if (form.family === 'hmac' && form.ownType === type) return true
      if (form.keyType !== type) return false
      if (form.family === 'rsa') return rsaBits(read(pkcs11js.CKA_MODULUS)) === form.bits
      if (form.family === 'ec' || form.family === 'edwards') return isCurve(form, read(pkcs11js.CKA_EC_PARAMS))
      return hasLength(form, asNumber(read(pkcs11js.CKA_VALUE_LEN)))
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

// SoftHSM tells no length of a key that was unwrapped; only AES is unwrapped under a type that leaves it open
function hasLength(form: { readonly family: 'aes' | 'hmac'; readonly bytes: number }, told: number): boolean {
  return told === form.bytes || (form.family === 'aes' && told === 0)
}

const keptClasses = [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_SECRET_KEY].map(value => ({
  type: pkcs11js.CKA_CLASS,
  value,
}))
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
