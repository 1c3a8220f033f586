import { type Op, type SelfTestFinding, WarderError } from '@warder/contract'
import { toWarderError } from '../ckr.ts'
import type { Config } from '../config.ts'
import type { Cryptoki, Handle } from '../cryptoki.ts'
import { findToken, type TokenDescription } from '../find-token.ts'
import { cancelled } from '../gate.ts'
import { login } from '../login.ts'
import { loadModule, type LoadedModule } from '../load-module.ts'
import { probeWrapping, readMechanisms } from '../probe.ts'
import { wrapsBytes } from '../probe-bytes.ts'
import { findRootKeys } from '../root-keys.ts'
import { closeSession, readWrite, SessionPool } from '../session-pool.ts'
import { WrappingKeys } from '../wrapping-keys.ts'
import { algorithmFindings } from './algorithms.ts'
import { note, notChecked, ok, problem, warning } from './findings.ts'
import { knownAnswerFindings } from './known-answers.ts'
import { pinState } from './pin-state.ts'
import { randomFinding } from './random.ts'
import { measureSessions, sessionFinding } from './sessions.ts'
import { spaceFinding } from './space.ts'

/** What stands behind a login, in the order in which it is looked at. */
const behindLogin = ['root keys', 'wrap round trip', 'known answers', 'random generator', 'session limit'] as const

/**
 * Looks at everything that a token can be looked at for, in a process that has nothing else to do with it. The first step
 * that fails is found a problem, and what depends on it `not-checked`.
 */
export async function selfTest(
  config: Config,
  op: Op,
  peers: readonly Config[] = [],
): Promise<readonly SelfTestFinding[]> {
  let module: LoadedModule
  try {
    module = loadModule(config)
  } catch (error) {
    return [
      moduleProblem(config, error),
      ...unreached(['token', 'PIN tries left', 'mechanisms', 'login', ...behindLogin]),
    ]
  }
  try {
    return [ok('module', config.module), ...(await tokenFindings(module.lib, config, op, peers.length > 0))]
  } finally {
    module.close()
  }
}

async function tokenFindings(
  lib: Cryptoki,
  config: Config,
  op: Op,
  mayJoin: boolean,
): Promise<readonly SelfTestFinding[]> {
  let token: TokenDescription
  try {
    token = findToken(lib, config.token)
  } catch (error) {
    const remedy = { why: 'every key is on it', fix: 'connect it, or name it in hsm.config.token: pkcs11-tool -L' }
    return [
      problem('token', said(error), remedy),
      ...unreached(['PIN tries left', 'mechanisms', 'login', ...behindLogin]),
    ]
  }
  const mechanisms = readMechanisms(lib, token.slot)
  const { freePrivateMemory: free, totalPrivateMemory: total } = lib.C_GetTokenInfo(token.slot)
  const pin = pinState(token.flags)
  const findings: SelfTestFinding[] = [
    ok('token', `${token.label}, serial ${token.serial}, ${token.manufacturer} ${token.model} ${token.firmware}`),
    pin.finding,
    ...algorithmFindings(mechanisms),
    spaceFinding({ free, total }),
  ]
  if (!pin.mayLogIn) return [...findings, ...unreached(['login', ...behindLogin])]
  const session = lib.C_OpenSession(token.slot, readWrite)
  try {
    await login(lib, session, token, config, () => new Date())
  } catch (error) {
    return [...findings, loginProblem(error), ...unreached(behindLogin)]
  }
  findings.push(ok('login', 'the PIN is accepted'))
  for (const step of steps) {
    if (op.signal.aborted) throw cancelled(op.signal)
    findings.push(...(await step({ lib, session, token, config, mechanisms, op, mayJoin })))
  }
  return findings
}

interface LoggedIn {
  readonly lib: Cryptoki
  readonly session: Handle
  readonly token: TokenDescription
  readonly config: Config
  readonly mechanisms: ReturnType<typeof readMechanisms>
  readonly op: Op
  /** It may have no root key yet, and get one with the others. */
  readonly mayJoin: boolean
}

/** Each answers for its own failures: one that throws is a problem of its own, and hinders no other. */
const steps: readonly ((at: LoggedIn) => Promise<readonly SelfTestFinding[]>)[] = [
  at => answered('root keys', () => rootKeyFindings(at)),
  at => answered('wrap round trip', () => wrapFindings(at)),
  at => answered('known answers', async () => knownAnswerFindings(at.lib, fn => inOwnSession(at, fn), at.mechanisms)),
  at => answered('random generator', async () => [randomFinding(at.lib, at.token.flags, at.session)]),
  at => answered('session limit', async () => [sessionsOf(at)]),
]

async function answered(
  check: string,
  step: () => Promise<readonly SelfTestFinding[]>,
): Promise<readonly SelfTestFinding[]> {
  try {
    return await step()
  } catch (error) {
    if (WarderError.is(error, 'cancelled')) throw error
    const fix = 'systemctl restart warder-hsm; if it stays so, ask the maker of the token'
    return [problem(check, said(error), { why: 'the token failed at what Warder needs of it', fix })]
  }
}

/** Beside the one that has the login, so that an operation that failed leaves nothing active. */
function inOwnSession<T>({ lib, token }: LoggedIn, fn: (session: Handle) => T): T {
  const session = lib.C_OpenSession(token.slot, readWrite)
  try {
    return fn(session)
  } finally {
    closeSession(lib, session)
  }
}

async function rootKeyFindings({ lib, session, mayJoin }: LoggedIn): Promise<readonly SelfTestFinding[]> {
  try {
    const { generations } = new WrappingKeys(lib, session, { mayBeNone: mayJoin })
    const store = findRootKeys(lib, session, ['store']).store.newest('store')
    const newest = generations.at(-1)
    if (newest === undefined) {
      const remedy = { why: 'it serves no sealed key before that', fix: 'warder root-key rotate' }
      return [warning('root keys', 'it has no root key yet, and takes part from the next one on', remedy)]
    }
    return [
      ok('root keys', `generation ${newest} and store key ${store.number}: not extractable, for their purposes alone`),
    ]
  } catch (error) {
    if (!WarderError.is(error, 'not-initialised')) throw error
    const missing = error.facts['reason'] === 'missing'
    const why = missing
      ? 'sealed keys and records cannot be opened without it'
      : 'a root key that can do more than it should does not protect'
    const fix = missing
      ? 'warder-hsm init on a new token; on one in use, restore the token from its backup'
      : 'find out who changed it (warder-hsm inspect), and restore the token from its backup'
    return [problem('root keys', error.message, { why, fix })]
  }
}

async function wrapFindings({ lib, session, token, mechanisms, op }: LoggedIn): Promise<readonly SelfTestFinding[]> {
  const check = 'wrap round trip'
  const pool = new SessionPool(lib, token.slot, 1)
  try {
    const kek = new WrappingKeys(lib, session).newestFor({ usage: 'sign', exportable: false })
    const { wrappable } = await probeWrapping(lib, pool, kek, mechanisms, op)
    if (wrappable.size === 0) {
      return [note(check, 'no key can be wrapped out and come back', 'only resident keys can be made')]
    }
    const bytes = await wrapsBytes(lib, pool, mechanisms, op)
    const found = ok(check, `${[...wrappable].join(', ')}${bytes ? ', and bytes of callers' : ''} came back the same`)
    if (bytes) return [found]
    return [found, note(check, 'bytes of callers do not come back', 'keys of usage wrap are refused')]
  } catch (error) {
    if (WarderError.is(error, 'not-initialised')) return [notChecked(check, 'there is no root key to wrap under')]
    throw error
  } finally {
    pool.close()
  }
}

function sessionsOf({ lib, token, config }: LoggedIn): SelfTestFinding {
  const wanted = config.sessions.max
  return sessionFinding(measureSessions(lib, token.slot, { told: token.maxSessions, wanted }))
}

function moduleProblem({ module }: Config, error: unknown): SelfTestFinding {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const remedy = {
    why: 'without it there is no way to the token',
    fix: `install what brings ${module} (softhsm2 for SoftHSM), or correct hsm.config.module`,
  }
  return problem('module', `${said(error)}${cause}`.replaceAll(/\s+/g, ' ').slice(0, 300), remedy)
}

function loginProblem(error: unknown): SelfTestFinding {
  if (WarderError.is(error, 'pin-refused')) {
    const why = 'tokens lock after a few refused PINs; this one is not presented again'
    return problem('login', said(error), {
      why,
      fix: 'put the right PIN where hsm.config.pin points to, then systemctl restart warder-hsm',
    })
  }
  const fix = 'warder config check says what is wrong with the PIN file and its directories'
  return problem('login', said(error), { why: 'no key can be used without it', fix })
}

const said = (error: unknown): string => toWarderError(error).message

const unreached = (checks: readonly string[]): readonly SelfTestFinding[] =>
  checks.map(check => notChecked(check, 'what comes before it failed'))
