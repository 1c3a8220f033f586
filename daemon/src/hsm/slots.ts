import { tokenOfHost } from '../config/tokens.ts'
import type { SupervisorConfig } from './config.ts'
import type { StartOrder } from './control.ts'
import type { HostProcess } from './host-process.ts'
import { hostSocketPath } from './run-directory.ts'
import type { HostFailure, HostStatus } from './status.ts'
import { isWorn } from './wear.ts'

/** One of the tokens that share root keys, or the only one. */
export interface Token {
  readonly index: number
  /** What its hosts open. */
  readonly plugin: StartOrder['start']['plugin']
  /** Only an operator can mend it: none of its hosts is started. */
  refused: boolean
}

/** The place of one host, which one process after another fills. */
export interface Slot {
  readonly index: number
  readonly token: Token
  state: HostStatus['state']
  process: HostProcess | undefined
  error: HostFailure | undefined
  failures: number
  timer: NodeJS.Timeout | undefined
  /** Being replaced, until the new one is ready or has failed. */
  recycling: boolean
}

export function tokensOf(plugin: SupervisorConfig['plugin']): readonly Token[] {
  return pluginsOf(plugin).map((own, index) => ({ index, plugin: own, refused: false }))
}

/** What the hosts of each token open: its own configuration, beside those of the others. */
export function pluginsOf({ specifier, config, peers = [] }: SupervisorConfig['plugin']): readonly Token['plugin'][] {
  const configs = [config, ...peers]
  return configs.map((own, index) => {
    const others = configs.filter((_, other) => other !== index)
    return { specifier, config: own, ...(others.length > 0 && { peers: others }) }
  })
}

export function slotsOf(tokens: readonly Token[], hosts: number): readonly Slot[] {
  return Array.from({ length: hosts }, (_, index) => ({
    index,
    token: tokens[tokenOfHost(index, tokens.length)]!,
    state: 'stopped',
    process: undefined,
    error: undefined,
    failures: 0,
    timer: undefined,
    recycling: false,
  }))
}

/** As the status file tells of it, `several` tokens or one. */
export function statusOf(slot: Slot, runDir: string, several: boolean): HostStatus {
  return {
    index: slot.index,
    ...(several && { token: slot.token.index }),
    pid: slot.process?.pid ?? null,
    state: slot.state,
    socket: hostSocketPath(runDir, slot.index),
    ...(slot.error && { error: slot.error }),
  }
}

/**
 * One that has served long enough, to be replaced: one at a time, and only while all others of its token serve. One that is
 * away must not keep those of other tokens old.
 */
export function wornOf(
  slots: readonly Slot[],
  limits: Parameters<typeof isWorn>[1],
): { readonly slot: Slot; readonly host: HostProcess } | undefined {
  if (slots.some(slot => slot.recycling)) return undefined
  const away = new Set(slots.filter(slot => slot.state !== 'ready').map(slot => slot.token))
  for (const slot of slots) {
    const { process: host, token } = slot
    if (host !== undefined && !away.has(token) && isWorn(host.wear, limits)) return { slot, host }
  }
  return undefined
}
