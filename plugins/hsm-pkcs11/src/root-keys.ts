import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { asBoolean, asNumber, findObjects, readAttributes, readName } from './objects.ts'
import { rootLabel, rootUsages, secretUsages, type RootPurpose } from './templates.ts'

export interface RootKey {
  readonly number: number
  readonly handle: Handle
}

/** The root keys of one purpose, at least one, by number. */
export class RootKeys {
  readonly #keys: ReadonlyMap<number, Handle>
  readonly newest: RootKey

  constructor(keys: ReadonlyMap<number, Handle>) {
    const number = Math.max(...keys.keys())
    this.#keys = keys
    this.newest = { number, handle: keys.get(number) as Handle }
  }

  get(number: number): Handle | undefined {
    return this.#keys.get(number)
  }
}

/**
 * Finds the root keys of a purpose and checks that each is what it must be. It never makes one: a lookup that fails
 * throws, and one that finds nothing is a token that has not been provisioned.
 * @throws WarderError `not-initialised`, facts naming the key and what is wrong with it.
 */
export function findRootKeys(lib: Cryptoki, session: Handle, purpose: RootPurpose): RootKeys {
  const keys = new Map<number, Handle>()
  for (const handle of findObjects(lib, session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
  ])) {
    const number = numberOf(readName(lib, session, handle)?.label ?? '', purpose)
    if (number === undefined) continue
    const name = rootLabel(purpose, number)
    if (keys.has(number)) throw notInitialised(name, 'two keys have this name')
    const wrong = faultOf(lib, session, handle, purpose)
    if (wrong !== undefined) throw notInitialised(name, wrong)
    keys.set(number, handle)
  }
  if (keys.size === 0) throw notInitialised(rootLabel(purpose, 1), 'missing')
  return new RootKeys(keys)
}

function numberOf(label: string, purpose: RootPurpose): number | undefined {
  const match = /^warder\/([a-z]+)\/([1-9][0-9]{0,8})$/.exec(label)
  return match?.[1] === purpose ? Number(match[2]) : undefined
}

function faultOf(lib: Cryptoki, session: Handle, key: Handle, purpose: RootPurpose): string | undefined {
  const [type, length] = readAttributes(lib, session, key, [pkcs11js.CKA_KEY_TYPE, pkcs11js.CKA_VALUE_LEN])
  if (asNumber(type) !== pkcs11js.CKK_AES || asNumber(length) !== 32) return 'not AES-256'
  const flags: ReadonlyArray<readonly [number, boolean, string]> = [
    [pkcs11js.CKA_PRIVATE, true, 'CKA_PRIVATE'],
    [pkcs11js.CKA_SENSITIVE, true, 'CKA_SENSITIVE'],
    [pkcs11js.CKA_EXTRACTABLE, false, 'CKA_EXTRACTABLE'],
    [pkcs11js.CKA_MODIFIABLE, false, 'CKA_MODIFIABLE'],
    ...secretUsages.map(usage => [usage, rootUsages[purpose].includes(usage), usageName(usage)] as const),
  ]
  for (const [attribute, expected, name] of flags) {
    const [value] = readAttributes(lib, session, key, [attribute])
    if (asBoolean(value) !== expected) return `${name} is ${!expected}`
  }
  return undefined
}

function usageName(usage: number): string {
  return Object.entries(pkcs11js).find(([name, value]) => name.startsWith('CKA_') && value === usage)?.[0] ?? `${usage}`
}

function notInitialised(key: string, reason: string): WarderError {
  return new WarderError('not-initialised', `root key ${key}: ${reason}`, { facts: { key, reason } })
}
