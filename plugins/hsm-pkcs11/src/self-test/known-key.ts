import pkcs11js from 'pkcs11js'
import { ckrOf, meaningOf } from '../ckr.ts'
import type { Cryptoki, Handle, Template } from '../cryptoki.ts'
import { readAttributes } from '../objects.ts'
import { secretUsages } from '../templates.ts'

/** A secret key of a session whose bytes are known here too. It protects nothing. */
export interface KnownKey {
  readonly handle: Handle
  readonly value: Buffer
  /** Whether it is the key of the published vector; else the token made it and showed it. */
  readonly published: boolean
}

/**
 * Puts the key of a vector into the token; where that is forbidden, as certified tokens do, has it make one that can be read;
 * `undefined` where that is forbidden too. Errors of a token that is gone pass.
 */
export function knownKey(
  lib: Cryptoki,
  session: Handle,
  { keyType, generation, value, usage }: KnownKeySpec,
): KnownKey | undefined {
  const template = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_KEY_TYPE, value: keyType },
    { type: pkcs11js.CKA_TOKEN, value: false },
    { type: pkcs11js.CKA_SENSITIVE, value: false },
    { type: pkcs11js.CKA_EXTRACTABLE, value: true },
    ...secretUsages.map(type => ({ type, value: usage.includes(type) })),
  ] satisfies Template
  const put = allowed(() => lib.C_CreateObject(session, [...template, { type: pkcs11js.CKA_VALUE, value }]))
  if (put !== undefined) return { handle: put, value, published: true }
  return allowed(() => {
    const own = [...template, { type: pkcs11js.CKA_VALUE_LEN, value: 32 }]
    const handle = lib.C_GenerateKey(session, { mechanism: generation }, own)
    return { handle, value: readAttributes(lib, session, handle, [pkcs11js.CKA_VALUE])[0], published: false }
  })
}

export interface KnownKeySpec {
  readonly keyType: number
  readonly generation: number
  readonly value: Buffer
  readonly usage: readonly number[]
}

/** `undefined` for what the token does not permit. */
export function allowed<T>(fn: () => T): T | undefined {
  try {
    return fn()
  } catch (error) {
    const ckr = ckrOf(error)
    if (ckr === undefined || meaningOf(ckr) === 'gone') throw error
    return undefined
  }
}
