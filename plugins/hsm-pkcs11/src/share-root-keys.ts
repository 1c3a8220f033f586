import { WarderError } from '@warder/contract'
import { withCarried } from './carry.ts'
import type { Handle } from './cryptoki.ts'
import { checkValueIn, RootKeyMaker, type PassingRootKey, type Undo } from './make-root-keys.ts'
import { findPending, mark } from './pending.ts'
import type { Recipient } from './recipient.ts'
import { findRootKeys, wholeOf, type RootKeys } from './root-keys.ts'
import { rootLabel, wrappingPurposes, type WrappingPurpose } from './templates.ts'
import { on, type TokenAt } from './token-at.ts'

type Tokens = readonly [TokenAt, ...TokenAt[]]

/** What one token has of the root keys that wrap. */
export interface Holding {
  readonly token: TokenAt
  readonly keys: Readonly<Record<WrappingPurpose, RootKeys>>
  readonly pending: ReadonlyMap<number, readonly Handle[]>
  /** The generations it has all of, pending ones too, ascending. */
  readonly whole: readonly number[]
}

export function holdingsOf(tokens: readonly TokenAt[]): Promise<readonly Holding[]> {
  return Promise.all(
    tokens.map(token =>
      on(token, () => {
        const { lib, session } = token
        const keys = findRootKeys(lib, session, wrappingPurposes)
        return { token, keys, pending: findPending(lib, session), whole: wholeOf(keys) }
      }),
    ),
  )
}

/** The generations that wrap. */
export function wrappingOf({ whole, pending }: Holding): readonly number[] {
  return whole.filter(number => !pending.has(number))
}

/**
 * Any two that have root keys have some in common, and every one that either wraps under is the same key on both.
 * @throws WarderError `already-initialised`, facts naming the token
 */
export async function requireSame(holdings: readonly Holding[]): Promise<void> {
  const [one, ...others] = holdings.filter(each => wrappingOf(each).length > 0)
  for (const other of others) {
    const common = other.whole.filter(number => one?.whole.includes(number))
    if (one === undefined || common.length === 0) throw foreign(other, Math.max(...other.whole))
    const used = new Set([one, other].flatMap(wrappingOf))
    for (const number of common) {
      if (used.has(number) && !(await agreeOn([one, other], number))) throw foreign(other, number)
    }
  }
}

function foreign({ token }: Holding, number: number): WarderError {
  const key = rootLabel('kek', number)
  return new WarderError('already-initialised', `the token ${token.label} has other root keys than the first: ${key}`, {
    facts: { key, token: token.serial },
  })
}

/**
 * Makes the next generation of root keys on all of these tokens, or on none, the first making them and the others being
 * handed them. It is pending (see `pending.ts`) until all have it. A pending one that all have already is completed in its
 * place; any other is passed over, and no key of it is ever destroyed here: it could be another run's.
 * @throws WarderError facts naming the token that failed, or that has other root keys (`already-initialised`). When that cannot be reached to take back what was made, or this
 *   process ends, its part stays pending.
 */
export async function makeShared(tokens: Tokens, recipient: Recipient | undefined): Promise<number> {
  const before = await holdingsOf(tokens)
  await requireSame(before)
  const newest = Math.max(0, ...before.flatMap(numbersOf))
  const unused = before.every(({ pending }) => pending.has(newest))
  if ((await complete(before, newest)) && unused) return newest
  const number = newest + 1
  const begun: Begun[] = []
  try {
    for (const token of tokens) {
      const marker = await on(token, () => mark(token.lib, token.session, number))
      begun.push({ token, marker, takeBack: undefined })
    }
    for (const token of tokens) await on(token, () => requireAlone(token, number))
    await establishOnAll(begun, tokens[0], recipient, number)
  } catch (error) {
    for (const each of begun) await withdraw(each, number)
    throw error
  }
  if (await complete(await holdingsOf(tokens), number)) return number
  throw new WarderError('hsm-failed', 'the root keys on the tokens are not the same', { facts: { number } })
}

interface Begun {
  readonly token: TokenAt
  readonly marker: Handle
  takeBack: Undo | undefined
}

async function establishOnAll(
  all: readonly Begun[],
  first: TokenAt,
  recipient: Recipient | undefined,
  number: number,
): Promise<void> {
  const maker = new RootKeyMaker(first.lib, first.copies, recipient)
  const others = all.map(({ token }) => token).filter(token => token !== first)
  await on(first, () =>
    maker.withPassing(first.session, number, keys =>
      withAllCarried(first, others, keys, [keys], async carried => {
        for (const [index, each] of all.entries()) {
          const { lib, session, copies } = each.token
          const own = carried[index] as readonly PassingRootKey[]
          each.takeBack = await on(each.token, () => new RootKeyMaker(lib, copies, undefined).establish(session, own))
        }
      }),
    ),
  )
}

/** Takes back what was made. Never throws: a token that fails now keeps its marker, and the others are none the worse for it. */
async function withdraw({ token: { lib, session }, marker, takeBack }: Begun, number: number): Promise<void> {
  try {
    await takeBack?.(session)
    const keys = findRootKeys(lib, session, wrappingPurposes)
    const left = wrappingPurposes.some(purpose => keys[purpose].get(number) !== undefined)
    if (!left) lib.C_DestroyObject(session, marker)
  } catch {
    // said by what made this necessary
  }
}

/** Lends the keys on every token at once, in this order, before any of them has one for good. */
async function withAllCarried(
  from: TokenAt,
  [next, ...others]: readonly TokenAt[],
  keys: readonly PassingRootKey[],
  before: readonly (readonly PassingRootKey[])[],
  use: (all: readonly (readonly PassingRootKey[])[]) => Promise<void>,
): Promise<void> {
  if (next === undefined) return use(before)
  await withCarried(from, next, keys, own => withAllCarried(from, others, keys, [...before, own], use))
}

/** Two that make the same number at once see each other's marker, since each sets its own before it looks. */
function requireAlone({ lib, session }: TokenAt, number: number): void {
  const keys = findRootKeys(lib, session, wrappingPurposes)
  const taken = wrappingPurposes.some(purpose => keys[purpose].get(number) !== undefined)
  if (!taken && findPending(lib, session).get(number)?.length === 1) return
  throw new WarderError('hsm-failed', 'another process is making a root key', {
    facts: { reason: 'another-root-key' },
  })
}

/** Takes the markers off a generation when every token has it, with the same check values, and answers whether it was so. */
export async function complete(holdings: readonly Holding[], number: number): Promise<boolean> {
  if (!holdings.every(({ whole }) => whole.includes(number)) || !(await agreeOn(holdings, number))) return false
  for (const { token, pending } of holdings) {
    for (const marker of pending.get(number) ?? []) {
      await on(token, () => token.lib.C_DestroyObject(token.session, marker))
    }
  }
  return true
}

/** Whether all of these, which have it, have the same generation of this number. */
async function agreeOn(holdings: readonly Holding[], number: number): Promise<boolean> {
  const seen = await Promise.all(
    holdings.map(({ token, keys }) =>
      on(token, () =>
        wrappingPurposes
          .map(purpose => checkValueIn(token.lib, token.session, keys[purpose].require(purpose, number).handle))
          .join(),
      ),
    ),
  )
  return new Set(seen).size === 1
}

function numbersOf({ keys, pending }: Holding): readonly number[] {
  return [...wrappingPurposes.flatMap(purpose => keys[purpose].numbers), ...pending.keys()]
}
