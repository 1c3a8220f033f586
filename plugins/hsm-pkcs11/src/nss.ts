import pkcs11js from 'pkcs11js'
import type { Cryptoki, Handle, Mechanism, Template } from './cryptoki.ts'
import { recoverPoint } from './recover-point.ts'

/**
 * What NSS softokn does in its own way, put right here so that nothing else has to know (NSS 3.87):
 * - RFC 5649 is CKM_AES_KEY_WRAP_KWP, as in PKCS#11 v3.0; CKM_AES_KEY_WRAP_PAD, which stands for it elsewhere, pads as PKCS#7.
 * - a private EC key is unwrapped only with its public point beside it, which goes into what is wrapped out of it later.
 * - the key types that name a hash are not taken when unwrapping; generic secrets tell their length instead.
 * - wrapped input of no possible length is answered CKR_HOST_MEMORY, which elsewhere means what it says.
 */
const CKM_AES_KEY_WRAP_KWP = 0x210b
const CKA_NSS_DB = 0xd5a0db00
/** Taken for a point as long as nothing is wrapped out of the key. */
const noPoint = Buffer.from([0x04])

export function isNss(lib: Cryptoki): boolean {
  const { manufacturerID, libraryDescription } = lib.C_GetInfo()
  return manufacturerID.startsWith('Mozilla Foundation') && libraryDescription.startsWith('NSS')
}

/** The module, answering as others do. */
export function asOthers(lib: Cryptoki): Cryptoki {
  const calls = new NssCalls(lib)
  return new Proxy(lib, {
    get: (target, name) => {
      const from = name in calls ? calls : target
      const member: unknown = Reflect.get(from, name, from)
      return typeof member === 'function' ? (member.bind(from) as unknown) : member
    },
  })
}

class NssCalls {
  readonly #lib: Cryptoki

  constructor(lib: Cryptoki) {
    this.#lib = lib
  }

  C_GetMechanismList(slot: Handle): number[] {
    return this.#lib
      .C_GetMechanismList(slot)
      .filter(mechanism => mechanism !== pkcs11js.CKM_AES_KEY_WRAP_PAD)
      .map(mechanism => (mechanism === CKM_AES_KEY_WRAP_KWP ? pkcs11js.CKM_AES_KEY_WRAP_PAD : mechanism))
  }

  C_GetMechanismInfo(slot: Handle, mechanism: number): pkcs11js.MechanismInfo {
    return this.#lib.C_GetMechanismInfo(slot, translated({ mechanism }).mechanism)
  }

  C_WrapKey(session: Handle, mechanism: Mechanism, wrapper: Handle, key: Handle, out: Buffer): Buffer {
    return this.#lib.C_WrapKey(session, translated(mechanism), wrapper, key, out)
  }

  C_WrapKeyAsync(session: Handle, mechanism: Mechanism, wrapper: Handle, key: Handle, out: Buffer): Promise<Buffer> {
    return this.#lib.C_WrapKeyAsync(session, translated(mechanism), wrapper, key, out)
  }

  async C_UnwrapKeyAsync(
    session: Handle,
    mechanism: Mechanism,
    wrapper: Handle,
    wrapped: Buffer,
    template: Template,
  ): Promise<Handle> {
    const own = translated(mechanism)
    if (own.mechanism === CKM_AES_KEY_WRAP_KWP && (wrapped.length < 16 || wrapped.length % 8 !== 0)) {
      throw new Error('CKR_WRAPPED_KEY_LEN_RANGE')
    }
    const unwrap = (attributes: Template): Promise<Handle> =>
      this.#lib.C_UnwrapKeyAsync(session, own, wrapper, wrapped, attributes)
    if (!isPrivateEc(template)) return unwrap(template.map(withoutHash))
    if (stays(template)) return unwrap([...template, { type: CKA_NSS_DB, value: noPoint }])

    const key = await unwrap([...askable, { type: CKA_NSS_DB, value: noPoint }])
    const point = await recoverPoint(this.#lib, session, key)
    this.#lib.C_DestroyObject(session, key)
    return unwrap([...template, { type: CKA_NSS_DB, value: point }])
  }
}

/** Enough to find out the public point. */
const askable: Template = [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
  { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
  { type: pkcs11js.CKA_TOKEN, value: false },
  { type: pkcs11js.CKA_PRIVATE, value: true },
  { type: pkcs11js.CKA_SENSITIVE, value: true },
  { type: pkcs11js.CKA_EXTRACTABLE, value: false },
  { type: pkcs11js.CKA_SIGN, value: true },
  { type: pkcs11js.CKA_DERIVE, value: true },
]

function translated(mechanism: Mechanism): Mechanism {
  return mechanism.mechanism === pkcs11js.CKM_AES_KEY_WRAP_PAD ? { mechanism: CKM_AES_KEY_WRAP_KWP } : mechanism
}

type Attribute = Template[number]

const hashedTypes = new Set<unknown>([pkcs11js.CKK_SHA256_HMAC, pkcs11js.CKK_SHA384_HMAC, pkcs11js.CKK_SHA512_HMAC])

function withoutHash(attribute: Attribute): Attribute {
  const names = attribute.type === pkcs11js.CKA_KEY_TYPE && hashedTypes.has(attribute.value)
  return names ? { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_GENERIC_SECRET } : attribute
}

function isPrivateEc(template: Template): boolean {
  return (
    valueOf(template, pkcs11js.CKA_CLASS) === pkcs11js.CKO_PRIVATE_KEY &&
    valueOf(template, pkcs11js.CKA_KEY_TYPE) === pkcs11js.CKK_EC
  )
}

/** A session key that is only used: what is said to be its point is never seen again. */
function stays(template: Template): boolean {
  const isSession = valueOf(template, pkcs11js.CKA_TOKEN) !== true
  return isSession && valueOf(template, pkcs11js.CKA_EXTRACTABLE) === false
}

function valueOf(template: Template, type: number): unknown {
  return template.find(attribute => attribute.type === type)?.value
}
