import { WarderError } from '@warder/contract'
import { toWarderError } from './ckr.ts'
import type { Config } from './config.ts'
import { RootKeyMaker } from './make-root-keys.ts'
import { readRecipient } from './recipient.ts'
import { findRootKeys } from './root-keys.ts'
import { complete, holdingsOf, makeShared, requireSame, wrappingOf, type Holding } from './share-root-keys.ts'
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
        if (recipient === undefined) made.push(noRecipient('these tokens'))
      } else {
        await complete(before, Math.max(...before.flatMap(({ whole }) => whole)))
      }
      for (const holding of await holdingsOf(tokens)) {
        const { token } = holding
        if (!(await on(token, () => makeStoreKey(token)))) continue
        made.push(`made the store key warder/store/1 on the token ${describe(token)}`)
        if (wrappingOf(holding).length === 0) {
          made.push(
            `the token ${describe(token)} has no root key yet: the next one brings it in (warder root-key rotate)`,
          )
        }
      }
      return made
    })
  } catch (error) {
    throw toWarderError(error)
  }
}

/** Whether it was done now. */
async function makeStoreKey({ lib, session, copies }: TokenAt): Promise<boolean> {
  if (findRootKeys(lib, session, ['store']).store.numbers.length > 0) return false
  await new RootKeyMaker(lib, copies, undefined).makeOnToken(session, ['store'], 1)
  return true
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

export function noRecipient(tokens: string): string {
  return `no backupRecipient is configured: sealed keys die with ${tokens}. Name one in the configuration of the plugin, then rotate the root key (warder root-key rotate)`
}

function describe({ label, serial }: Pick<TokenAt, 'label' | 'serial'>): string {
  return `${label} (${serial})`
}
