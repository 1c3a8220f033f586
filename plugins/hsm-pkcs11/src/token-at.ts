import { WarderError } from '@warder/contract'
import { toWarderError } from './ckr.ts'
import type { Config } from './config.ts'
import { Copies } from './copies.ts'
import type { Cryptoki, Handle } from './cryptoki.ts'
import { findToken } from './find-token.ts'
import { shareModule } from './load-module.ts'
import { login } from './login.ts'
import type { AskOperator } from './read-pin.ts'
import { closeSession, readWrite } from './session-pool.ts'

/** One of several tokens, with a session of its own that is logged in. */
export interface TokenAt {
  readonly lib: Cryptoki
  readonly session: Handle
  readonly label: string
  readonly serial: string
  readonly copies: Copies
}

/** Runs what uses this token, and names the token in what that throws. */
export async function on<T>(token: Pick<TokenAt, 'label' | 'serial'>, fn: () => T | Promise<T>): Promise<T> {
  try {
    return await fn()
  } catch (error) {
    throw naming(token.serial, token.label, error)
  }
}

/**
 * Lends all of these tokens at once, each in a session that is closed afterwards; a login that this process has had before
 * stays. A PIN is presented under the same rules as in opening one token.
 * @throws WarderError `config-invalid` when two of them are one token, or what opening one throws, facts naming the token.
 */
export async function withTokens<T>(
  configs: readonly Config[],
  askOperator: AskOperator | undefined,
  use: (tokens: readonly TokenAt[]) => Promise<T>,
): Promise<T> {
  const tokens: TokenAt[] = []
  const close: (() => void)[] = []
  try {
    for (const config of configs) {
      const name = 'label' in config.token ? config.token.label : config.token.serial
      try {
        const module = shareModule(config)
        close.push(() => module.close())
        const { lib } = module
        const { slot, label, serial } = findToken(lib, config.token)
        requireOther(tokens, serial)
        const session = lib.C_OpenSession(slot, readWrite)
        close.push(() => closeSession(lib, session))
        await login(lib, session, { serial }, config, () => new Date(), askOperator)
        tokens.push({ lib, session, label, serial, copies: new Copies(lib, config.stateDir) })
      } catch (error) {
        throw naming(name, name, error)
      }
    }
    return await use(tokens)
  } finally {
    for (const each of close.toReversed()) each()
  }
}

/** @throws WarderError `config-invalid` when it is one of these: a token would be taken for two. */
export function requireOther(tokens: readonly Pick<TokenAt, 'serial'>[], serial: string): void {
  if (!tokens.some(token => token.serial === serial)) return
  throw new WarderError('config-invalid', 'two of the tokens that are configured are one', {
    facts: { field: 'token', serial },
  })
}

function naming(token: string, label: string, error: unknown): Error {
  const typed = toWarderError(error)
  if (!WarderError.is(typed) || typed.facts['token'] !== undefined) return typed
  const { code, message, facts, cause } = typed
  return new WarderError(code, `token ${label}: ${message}`, { facts: { ...facts, token }, cause })
}
