import { WarderError } from '@warder/contract'
import { toWarderError } from './ckr.ts'
import type { Config } from './config.ts'
import { RootKeyMaker } from './make-root-keys.ts'
import { readRecipient } from './recipient.ts'
import { findRootKeys } from './root-keys.ts'
import { agreeOn, complete, holdingsOf, makeShared, type Holding } from './share-root-keys.ts'
import { rootLabel } from './templates.ts'
import { on, withTokens, type TokenAt } from './token-at.ts'

/**
 * Prepares several tokens that share root keys: makes the first ones on all, if none has any, and a store key on each that has
 * none. What is there is kept, so it may be called again, and goes on where it was broken off.
 * @throws WarderError `already-initialised` when the tokens do not have the same root keys; nothing was made then
 */
export async function provisionShared(
  configs: readonly Config[],
  backupRecipient: string | undefined,
): Promise<readonly string[]> {
  const recipient = await readRecipient(backupRecipient)
  try {
    return await withTokens(configs, undefined, async tokens => {
      const [first, ...others] = tokens
      if (first === undefined) return []
      const before = await holdingsOf(tokens)
      await requireSame(before)
      const made: string[] = []
      if (before.every(each => wrappingOf(each).length === 0)) {
        before.forEach(requireNoRemains)
        const number = await makeShared([first, ...others], recipient)
        const wrapped = recipient === undefined ? '' : ', wrapped to the backup recipient'
        made.push(`made the root key warder/kek/${number} on the tokens ${tokens.map(describe).join(', ')}${wrapped}`)
      } else {
        await complete(before, Math.max(...before.flatMap(({ whole }) => whole)))
      }
      for (const token of tokens) made.push(...(await on(token, () => makeStoreKey(token))))
      return [...made, ...(await holdingsOf(tokens)).flatMap(behind)]
    })
  } catch (error) {
    throw toWarderError(error)
  }
}

async function makeStoreKey({ lib, session, copies, ...token }: TokenAt): Promise<readonly string[]> {
  if (findRootKeys(lib, session, ['store']).store.numbers.length > 0) return []
  await new RootKeyMaker(lib, copies, undefined).makeOnToken(session, ['store'], 1)
  return [`made the store key warder/store/1 on the token ${describe(token)}`]
}

/** The generations that wrap. */
function wrappingOf({ whole, pending }: Holding): readonly number[] {
  return whole.filter(number => !pending.has(number))
}

/** Any two that have root keys have some in common, and every one that both have is the same key. */
async function requireSame(holdings: readonly Holding[]): Promise<void> {
  const [one, ...others] = holdings.filter(each => wrappingOf(each).length > 0)
  for (const other of others) {
    const common = other.whole.filter(number => one?.whole.includes(number))
    if (one === undefined || common.length === 0) throw foreign(other, Math.max(...other.whole))
    for (const number of common) if (!(await agreeOn([one, other], number))) throw foreign(other, number)
  }
}

/** A single key of what was a generation is no place to begin anew: somebody's keys may be wrapped under the lost ones. */
function requireNoRemains({ keys, pending, token }: Holding): void {
  const remains = keys.kek.numbers.find(number => !pending.has(number))
  if (remains === undefined) return
  const key = rootLabel('kek', remains)
  throw new WarderError('already-initialised', `the token ${token.label} has ${key}, and not what belongs to it`, {
    facts: { key, token: token.serial },
  })
}

function foreign({ token }: Holding, number: number): WarderError {
  const key = rootLabel('kek', number)
  return new WarderError('already-initialised', `the token ${token.label} has other root keys than the first: ${key}`, {
    facts: { key, token: token.serial },
  })
}

function behind(holding: Holding, _: number, all: readonly Holding[]): readonly string[] {
  const newest = Math.max(...all.flatMap(wrappingOf))
  if (wrappingOf(holding).includes(newest)) return []
  return [
    `the token ${describe(holding.token)} does not have the root key warder/kek/${newest}: it takes part from the next one on (warder root-key rotate)`,
  ]
}

function describe({ label, serial }: Pick<TokenAt, 'label' | 'serial'>): string {
  return `${label} (${serial})`
}
