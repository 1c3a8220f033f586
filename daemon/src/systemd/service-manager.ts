import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Log } from '@warder/contract'
import { errorFields } from '../log/error-fields.ts'

const run = promisify(execFile)
const notifyTimeoutMs = 10_000

/** Whoever started this process and wants to hear of it: systemd, or nobody. */
export interface ServiceManager {
  /**
   * Tells the manager, in the order of the calls. Resolves when the manager has read it; when it cannot be told, that is
   * logged. Does nothing where there is no manager. The states are those of sd_notify(3), such as `READY=1`.
   */
  notify(...states: readonly string[]): Promise<void>
  /** Milliseconds within which the manager wants to hear `WATCHDOG=1`; `undefined` when it does not. */
  readonly watchdogMs: number | undefined
}

/**
 * Takes what sd_notify(3) and sd_watchdog_enabled(3) say from the environment, and removes it there, so that no child
 * speaks in our name. Node.js has no datagram sockets of the unix family, so `systemd-notify` speaks: a unit needs
 * `NotifyAccess=all`.
 */
export function takeServiceManager(environment: NodeJS.ProcessEnv, pid: number, log: Log): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = environment
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name]
  if (socket === undefined || socket === '') return { notify: () => Promise.resolve(), watchdogMs: undefined }

  const tell = async (states: readonly string[]): Promise<void> => {
    try {
      const env = { PATH: environment['PATH'], NOTIFY_SOCKET: socket }
      await run('systemd-notify', [...states], { env, timeout: notifyTimeoutMs })
    } catch (error) {
      log.error('the service manager cannot be told', { ...errorFields(error), state: states[0] })
    }
  }
  let told: Promise<void> = Promise.resolve()
  return {
    notify: (...states) => (told = told.then(() => tell(states))),
    watchdogMs: watched === undefined || watched === String(pid) ? positive(usec) : undefined,
  }
}

function positive(usec: string | undefined): number | undefined {
  if (usec === undefined || !/^\d{4,15}$/.test(usec)) return undefined
  return Number(usec) / 1000
}
