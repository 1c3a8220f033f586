import pkcs11js from 'pkcs11js'
import { WarderError } from '@warder/contract'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { asBoolean, asNumber, findObjects, readAttributes, readName } from './objects.ts'
import {
  rootLabel,
  rootUsages,
  secretUsages,
  wrappingPurposes,
  type RootPurpose,
  type WrappingPurpose,
} from './templates.ts'

export interface RootKey {
  readonly number: number
  readonly handle: Handle
}

/** The root keys of one purpose by number; there may be none. */
export class RootKeys {
  readonly #keys: ReadonlyMap<number, Handle>

  constructor(keys: ReadonlyMap<number, Handle>) {
    this.#keys = keys
  }

  get numbers(): readonly number[] {
    return [...this.#keys.keys()]
  }

  get(number: number): Handle | undefined {
    return this.#keys.get(number)
  }

  /** @throws WarderError `not-initialised` when there is none. */
  newest(purpose: RootPurpose): RootKey {
    return this.require(purpose, Math.max(1, ...this.#keys.keys()))
  }

  /** @throws WarderError `not-initialised` when there is none of this number. */
  require(purpose: RootPurpose, number: number): RootKey {
    const handle = this.#keys.get(number)
    if (handle === undefined) throw notInitialised(rootLabel(purpose, number), 'missing')
    return { number, handle }
  }
}

/**
 * Finds the root keys of these purposes and checks that each is what it must be. It never makes one: a lookup that fails
 * throws, and one that finds nothing answers nothing.
 * @throws WarderError `not-initialised`, facts naming the key and what is wrong with it.
 */
export function findRootKeys<const Purpose extends RootPurpose>(
  lib: Cryptoki,
  session: Handle,
  purposes: readonly Purpose[],
): Readonly<Record<Purpose, RootKeys>> {
  const found = new Map<Purpose, Map<number, Handle>>(purposes.map(purpose => [purpose, new Map()]))
  for (const handle of findObjects(lib, session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
  ])) {
    const name = parseRootLabel(readName(lib, session, handle)?.label ?? '')
    const purpose = purposes.find(one => one === name?.purpose)
    if (name === undefined || purpose === undefined) continue
    const keys = found.get(purpose) as Map<number, Handle>
    const label = rootLabel(purpose, name.number)
    if (keys.has(name.number)) throw notInitialised(label, 'two keys have this name')
    const wrong = faultOf(lib, session, handle, purpose)
    if (wrong !== undefined) throw notInitialised(label, wrong)
    keys.set(name.number, handle)
  }
  const entries = [...found].map(([purpose, keys]) => [purpose, new RootKeys(keys)])
  return Object.fromEntries(entries) as Record<Purpose, RootKeys>
}

/** The generations that have all kinds, ascending. */
export function wholeOf(keys: Readonly<Record<WrappingPurpose, RootKeys>>): readonly number[] {
  return keys.kek.numbers
    .filter(number => wrappingPurposes.every(purpose => keys[purpose].get(number) !== undefined))
    .toSorted((a, b) => a - b)
}

function parseRootLabel(label: string): { readonly purpose: string; readonly number: number } | undefined {
  const match = /^warder\/([a-z-]+)\/([1-9][0-9]{0,8})$/.exec(label)
  return match === null ? undefined : { purpose: match[1] as string, number: Number(match[2]) }
}

/** What keeps a token key from being a root key of this purpose; `undefined` when nothing does. */
export function faultOf(lib: Cryptoki, session: Handle, key: Handle, purpose: RootPurpose): string | undefined {
  const [type, length] = readAttributes(lib, session, key, [pkcs11js.CKA_KEY_TYPE, pkcs11js.CKA_VALUE_LEN])
  // SoftHSM answers 0 for every key that was unwrapped; restoring unwraps none of another length
  if (asNumber(type) !== pkcs11js.CKK_AES || ![0, 32].includes(asNumber(length))) return 'not AES-256'
  const flags: ReadonlyArray<readonly [number, boolean, string]> = [
    [pkcs11js.CKA_PRIVATE, true, 'CKA_PRIVATE'],
    [pkcs11js.CKA_SENSITIVE, true, 'CKA_SENSITIVE'],
    [pkcs11js.CKA_EXTRACTABLE, false, 'CKA_EXTRACTABLE'],
    [pkcs11js.CKA_MODIFIABLE, false, 'CKA_MODIFIABLE'],
    ...secretUsages.map(usage => [usage, rootUsages(purpose).includes(usage), usageName(usage)] as const),
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

export function notInitialised(key: string, reason: string): WarderError {
  return new WarderError('not-initialised', `root key ${key}: ${reason}`, { facts: { key, reason } })
}
