import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ready } from '../support/appliance.ts'
import { Client } from '../support/client.ts'
import { familyOf, gone } from '../support/family.ts'
import { until } from '../support/until.ts'
import { builtCli } from './built.ts'

/** What the probe in the API process saw since it was last asked. */
export interface Probed {
  /** How late timers were, by the clock. */
  readonly latenessP99Ms: number
  readonly latenessMaxMs: number
  /** How long the loop computed at a stretch, on the processor. */
  readonly busyP99Ms: number
  readonly busyMaxMs: number
  readonly heapBytes: number
  readonly residentBytes: number
}

const probe = fileURLToPath(new URL('servers/loop-probe.mjs', import.meta.url))

/** `warder dev` as it was built, in a directory that is kept until the whole measurement is over. */
export class BenchAppliance implements AsyncDisposable {
  readonly dir: string
  /** From the start of the process until it served. */
  readonly readySeconds: number
  readonly ready: Ready
  readonly apiKey: string
  readonly admin: Client
  readonly #child: ChildProcess
  readonly #probeFile: string

  private constructor(dir: string, started: { child: ChildProcess; ready: Ready; seconds: number; probeFile: string }) {
    const { child, ready, seconds, probeFile } = started
    this.dir = dir
    this.#child = child
    this.#probeFile = probeFile
    this.ready = ready
    this.readySeconds = seconds
    this.apiKey = readFileSync(ready.apiKeyFile, 'utf8').trim()
    this.admin = new Client({ url: ready.url, ca: readFileSync(ready.ca, 'utf8'), apiKey: this.apiKey })
  }

  /**
   * Starts it on what is in `dir`, and makes that when there is nothing. `nodeOptions` are the API process's; `root` is another
   * checkout that was built. Without `probe` it takes 33 ms less of a processor each second, and cannot be asked for what the
   * probe saw.
   */
  static async start(
    dir: string,
    nodeOptions: readonly string[] = [],
    { root, probe: probing = true }: { readonly root?: string; readonly probe?: boolean } = {},
  ): Promise<BenchAppliance> {
    const cli = root === undefined ? builtCli : join(root, 'daemon/dist/cli/index.js')
    await mkdir(dir, { recursive: true })
    const readyFile = join(dir, 'ready.json')
    const probeFile = join(dir, 'probe.json')
    await rm(readyFile, { force: true })
    const began = performance.now()
    const child = spawn(
      process.execPath,
      [
        '--expose-gc',
        ...(probing ? ['--import', probe] : []),
        ...nodeOptions,
        cli,
        'dev',
        '--dir',
        join(dir, 'appliance'),
        '--port',
        '0',
        '--ready-file',
        readyFile,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, BENCH_PROBE_FILE: probeFile } },
    )
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-8192)))
    const abandon = (): void => void child.kill('SIGKILL')
    process.once('exit', abandon)
    child.once('close', () => process.off('exit', abandon))
    await until(
      'ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the appliance did not start: ${said}`)
        return existsSync(readyFile)
      },
      120_000,
    )
    const seconds = (performance.now() - began) / 1000
    const ready = JSON.parse(await readFile(readyFile, 'utf8')) as Ready
    return new BenchAppliance(dir, { child, ready, seconds, probeFile })
  }

  get port(): number {
    return Number(new URL(this.ready.url).port)
  }

  get configFile(): string {
    return join(this.ready.dir, 'warder.toml')
  }

  get pid(): number {
    return this.ready.pid
  }

  /** The HSM hosts: what the supervisor has started. */
  get hostPids(): readonly number[] {
    return childrenOf(this.pid).flatMap(childrenOf)
  }

  /** What the probe saw since this was last called. `collect`: the heap is told after a collection. */
  async probed(options: { readonly collect?: boolean } = {}): Promise<Probed> {
    await rm(this.#probeFile, { force: true })
    if (options.collect === true) await writeFile(`${this.#probeFile}.collect`, '')
    else await rm(`${this.#probeFile}.collect`, { force: true })
    process.kill(this.pid, 'SIGUSR2')
    await until('the probe to tell', () => existsSync(this.#probeFile))
    return JSON.parse(await readFile(this.#probeFile, 'utf8')) as Probed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.close()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const family = familyOf(this.#child.pid ?? 0)
    this.#child.kill('SIGTERM')
    await gone(family)
  }
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}
