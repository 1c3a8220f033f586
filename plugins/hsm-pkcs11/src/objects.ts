import pkcs11js from 'pkcs11js'
import { ckrOf } from './ckr.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'

const batch = 256

/** Every object that matches, at this moment. An empty answer may also mean that the token is gone: see the canary. */
export function findObjects(lib: Cryptoki, session: Handle, template: Template): readonly Handle[] {
  const found: Handle[] = []
  lib.C_FindObjectsInit(session, template)
  for (;;) {
    const some = lib.C_FindObjects(session, batch)
    found.push(...some)
    if (some.length === 0) break
  }
  lib.C_FindObjectsFinal(session)
  return found
}

/** The values of attributes, in the order asked for. */
export function readAttributes<const Types extends readonly number[]>(
  lib: Cryptoki,
  session: Handle,
  object: Handle,
  types: Types,
): { readonly [I in keyof Types]: Buffer } {
  const values = lib
    .C_GetAttributeValue(
      session,
      object,
      types.map(type => ({ type })),
    )
    .map(attribute => attribute.value)
  return values as unknown as { readonly [I in keyof Types]: Buffer }
}

/** Destroys session objects. Never throws: what a failing token leaves ends with the session. */
export function discard(lib: Cryptoki, session: Handle, objects: Iterable<Handle>): void {
  for (const object of objects) {
    try {
      lib.C_DestroyObject(session, object)
    } catch {
      // it ends with its session
    }
  }
}

/** Label and id of an object; `undefined` for one that lacks either, as objects made by others may. */
export function readName(
  lib: Cryptoki,
  session: Handle,
  object: Handle,
): { readonly label: string; readonly id: Buffer } | undefined {
  try {
    const [label, id] = readAttributes(lib, session, object, [pkcs11js.CKA_LABEL, pkcs11js.CKA_ID])
    return { label: label.toString('utf8'), id }
  } catch (error) {
    if (ckrOf(error) === 'CKR_ATTRIBUTE_TYPE_INVALID') return undefined
    throw error
  }
}

export function asBoolean(value: Buffer): boolean {
  return value.length > 0 && value[0] !== 0
}

/** A CK_ULONG small enough for any platform, as the little-endian machines this runs on hold it. */
export function asNumber(value: Buffer): number {
  return value.readUInt32LE(0)
}
