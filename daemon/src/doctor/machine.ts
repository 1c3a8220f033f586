import { execFile } from 'node:child_process'
import { unitDirectories } from '../systemd/units.ts'

/** Where the machine tells of itself. */
export interface Machine {
  /** procfs. */
  readonly proc: string
  /** See {@link unitDirectories}. */
  readonly unitDirectories: readonly string[]
  /** There when systemd runs the machine (sd_booted(3)). */
  readonly booted: string
  /** There when systemd-timesyncd has set the clock. */
  readonly timesync: string
  /** What a program of the system prints; `undefined` when it is not there, or fails. */
  ask(program: string, args: readonly string[]): Promise<string | undefined>
}

const answerMs = 10_000

export const thisMachine: Machine = {
  proc: '/proc',
  unitDirectories,
  booted: '/run/systemd/system',
  timesync: '/run/systemd/timesync/synchronized',
  ask: (program, args) =>
    new Promise(resolve => {
      const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }
      execFile(program, [...args], { env, timeout: answerMs }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      )
    }),
}
