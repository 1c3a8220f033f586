import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { program } from '../../support/program.ts'
import { descendantsOf } from './process-tree.ts'
import { until } from './until.ts'

/** `warder …` */
export function warder(args: readonly string[]): ChildProcess {
  const [command, ...rest] = program('index')
  return spawn(command, [...rest, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs `warder …` to its end. */
export async function runWarder(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = warder(args)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** A whole `warder dev` on a directory. */
export class DaemonProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  #log = ''

  private constructor(dir: string, readyFile: string) {
    this.#child = warder(['dev', '--dir', dir, '--port', '0', '--ready-file', readyFile])
    // its own children write to the same pipe, and may outlive it
    this.#ended = once(this.#child, 'exit')
    this.#child.stdout?.resume()
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text))
  }

  /** Resolves when it serves. */
  static async start(dir: string): Promise<{ daemon: DaemonProcess; url: string; ca: string; apiKey: string }> {
    const readyFile = join(dir, 'ready.json')
    await rm(readyFile, { force: true })
    const daemon = new DaemonProcess(dir, readyFile)
    let text = ''
    await until('the appliance serves', 60_000, async () => {
      if (daemon.#child.exitCode !== null) throw new Error(`it did not start: ${daemon.#log}`)
      text = await readFile(readyFile, 'utf8').catch(() => '')
      return text !== ''
    })
    const { url, ca, apiKeyFile } = JSON.parse(text) as { url: string; ca: string; apiKeyFile: string }
    const apiKey = (await readFile(apiKeyFile, 'utf8')).trim()
    return { daemon, url, ca: await readFile(ca, 'utf8'), apiKey }
  }

  /** The supervisor and the hosts of its HSM. */
  helpers(): Promise<number[]> {
    return descendantsOf(this.#child.pid as number)
  }

  /** SIGKILL; resolves when it is gone. Its helpers are told by nobody. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
    if (this.#child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself: ${this.#log}`)
  }

  /** Ends it as an operator would; resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#ended
    return this.#child.exitCode
  }
}
