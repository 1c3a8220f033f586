import { fork, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import type { Writable } from 'node:stream'
import { warderCodes, type WarderCode } from '@warder/contract'
import { hostReport, secretDescriptor, type RetireOrder, type StartOrder, type Wear } from './control.ts'
import { handOver } from './operator-secret.ts'
import type { HostFailure } from './status.ts'

/** The program of a host, beside this file: `.ts` when run from source, `.js` when built. */
const program = new URL(`./host-main${extname(import.meta.url)}`, import.meta.url)

/** How often the watchdog looks. */
const lookMs = 100

export interface HostProcessOptions {
  readonly order: Omit<StartOrder['start'], 'secret'>
  /** The operator's, where the plugin wants one. A copy is passed on. */
  readonly secret: Uint8Array | undefined
  /** A ready host silent for this long is killed. */
  readonly watchdogMs: number
  /** A host that is not ready by then is killed. */
  readonly startMs: number
}

export type StartOutcome = { readonly ready: true } | { readonly ready: false; readonly failure?: HostFailure }

/** One host process, from fork to exit. It is started once; another try is another one of these. */
export class HostProcess {
  readonly #child: ChildProcess
  readonly #watchdogMs: number
  #watch: NodeJS.Timeout | undefined
  #heardAt = 0
  #wear: Wear | undefined
  #rssAtStart: number | undefined
  /** Resolves as soon as it is ready, has refused, or is dead. */
  readonly started: Promise<StartOutcome>
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>

  constructor({ order, secret, watchdogMs, startMs }: HostProcessOptions) {
    this.#watchdogMs = watchdogMs
    this.#child = fork(program, [], {
      execArgv: process.execArgv,
      serialization: 'json',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(secret === undefined ? [] : (['pipe'] as const))],
      // the promise calls of a PKCS#11 module each occupy a thread
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    })
    const child = this.#child
    this.exited = new Promise(resolve => {
      child.once('exit', () => resolve())
      // an 'error' with no pid means that it never ran, and then no 'exit' follows
      child.on('error', () => {
        if (child.pid === undefined) resolve()
      })
    })
    this.started = new Promise(resolve => {
      const deadline = setTimeout(() => this.kill(), startMs)
      const settle = (outcome: StartOutcome) => {
        clearTimeout(deadline)
        resolve(outcome)
      }
      child.on('message', message => {
        const report = hostReport.safeParse(message)
        if (!report.success) return
        this.#heardAt = performance.now()
        if ('ready' in report.data) {
          this.#startWatch()
          settle({ ready: true })
        } else if ('beat' in report.data) {
          this.#wear = report.data.beat
          this.#rssAtStart ??= this.#wear.rssMiB
        } else {
          settle({ ready: false, failure: toFailure(report.data.failed) })
        }
      })
      child.once('exit', () => {
        clearInterval(this.#watch)
        settle({ ready: false })
      })
    })
    // a failure to send means that it is dead, which 'exit' tells
    child.send({ start: { ...order, secret: secret !== undefined } } satisfies StartOrder, () => {})
    if (secret !== undefined) handOver(secret, child.stdio[secretDescriptor] as Writable)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Since it was ready; nothing before its first heartbeat. */
  get wear(): { readonly calls: number; readonly grownMiB: number } {
    const { calls = 0, rssMiB = 0 } = this.#wear ?? {}
    return { calls, grownMiB: rssMiB - (this.#rssAtStart ?? 0) }
  }

  /** Asks it to take no more calls, and to end when it has answered what it began. The watchdog goes on. */
  retire(): void {
    this.#child.send({ retire: true } satisfies RetireOrder, () => {})
  }

  /** Asks it to drain and end; kills it when it has not by `withinMs`. Resolves when it is gone. */
  async stop(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.kill(), withinMs)
    clearInterval(this.#watch)
    this.#child.kill('SIGTERM')
    await this.exited
    clearTimeout(timer)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #startWatch(): void {
    let lookedAt = performance.now()
    this.#watch = setInterval(() => {
      const now = performance.now()
      // time in which we ourselves did not run is not silence of the host
      const slept = now - lookedAt - lookMs
      if (slept > lookMs) this.#heardAt += slept
      lookedAt = now
      if (now - this.#heardAt > this.#watchdogMs) this.kill()
    }, lookMs)
  }
}

function toFailure(failed: { code: string; message: string; facts: Record<string, unknown> }): HostFailure {
  const known = (warderCodes as readonly string[]).includes(failed.code)
  return { ...failed, code: known ? (failed.code as WarderCode) : 'hsm-failed' }
}
