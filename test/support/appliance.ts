import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from './client.ts'
import { type Relative, familyOf, gone } from './family.ts'
import { until } from './until.ts'
import { type Ended, type RunOptions, warder, WarderProcess } from './warder.ts'

/** What `warder dev --ready-file` writes. */
export interface Ready {
  readonly url: string
  readonly ca: string
  readonly apiKeyFile: string
  readonly dir: string
  readonly pid: number
}

/**
 * A whole appliance as a user runs it: `warder dev` in a process of its own, its HSM hosts below it, everything in one
 * temporary directory that goes when it is disposed of.
 */
export class Appliance implements AsyncDisposable {
  /** Holds {@link dir}, and what a test wants to keep beside it. */
  readonly work: string
  readonly #options: RunOptions
  #process: WarderProcess | undefined
  #ready: Ready | undefined
  #admin: Client | undefined
  #logged = ''
  readonly #clients: Client[] = []

  constructor(work: string, options: RunOptions) {
    this.work = work
    this.#options = options
  }

  get dir(): string {
    return join(this.work, 'appliance')
  }

  get pid(): number {
    return this.#running.pid
  }

  get ready(): Ready {
    if (this.#ready === undefined) throw new Error('the appliance is not running')
    return this.#ready
  }

  /** The first administrator. */
  get admin(): Client {
    if (this.#admin === undefined) throw new Error('the appliance is not running')
    return this.#admin
  }

  /** Everything logged since the first start. */
  get logged(): string {
    return this.#logged + (this.#process?.stderr ?? '')
  }

  /** Everything in the journal, as text. */
  journal(): Promise<string> {
    return readFile(this.journalFile, 'utf8')
  }

  /** The first segment, which is all there is below 65,536 records. */
  get journalFile(): string {
    return join(this.dir, 'data', 'journal', '0000000000000000.log')
  }

  /** A client with this API key, or with none. It is closed with the appliance. */
  async client(apiKey?: string): Promise<Client> {
    const client = new Client({ url: this.ready.url, ca: await readFile(this.ready.ca, 'utf8'), apiKey })
    this.#clients.push(client)
    return client
  }

  async start(): Promise<void> {
    const readyFile = join(this.work, 'ready.json')
    await rm(readyFile, { force: true })
    const started = new WarderProcess(this.#arguments('--ready-file', readyFile), this.#options)
    this.#process = started
    await until(
      'ready',
      () => {
        if (!started.running) throw new Error(`the appliance did not start: ${started.stderr}`)
        return existsSync(readyFile)
      },
      60_000,
    )
    this.#ready = JSON.parse(await readFile(readyFile, 'utf8')) as Ready
    this.#admin = await this.client((await readFile(this.#ready.apiKeyFile, 'utf8')).trim())
  }

  /** Runs it where it is expected not to start. */
  startRefused(): Promise<Ended> {
    return warder(this.#arguments(), this.#options)
  }

  /** As an operator ends it. Rejects unless it ends well and leaves no process behind. */
  async stop(): Promise<void> {
    const { code, signal } = await this.#end('SIGTERM')
    if (code !== 0) throw new Error(`the appliance ended with ${code ?? signal}: ${this.logged}`)
  }

  /** SIGKILL, to the daemon alone: its HSM hosts have to notice by themselves. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    if (this.#process !== undefined) await this.stop()
    await this.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#process !== undefined) await this.#end('SIGTERM')
    } finally {
      await rm(this.work, { recursive: true, force: true })
    }
  }

  /** This and every process below it. */
  family(): Relative[] {
    return familyOf(this.pid)
  }

  get #running(): WarderProcess {
    if (this.#process === undefined) throw new Error('the appliance is not running')
    return this.#process
  }

  #arguments(...more: readonly string[]): string[] {
    return ['dev', '--dir', this.dir, '--port', '0', ...more]
  }

  async #end(signal: NodeJS.Signals): Promise<Ended> {
    const running = this.#running
    const family = this.family()
    for (const client of this.#clients.splice(0)) client.close()
    running.child.kill(signal)
    const ended = await running.ended
    await gone(family)
    this.#logged += ended.stderr
    this.#process = undefined
    this.#ready = undefined
    this.#admin = undefined
    return ended
  }
}

/** For one appliance, which removes it. */
export const newWorkDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'warder-e2e-'))

/** Resolves when it serves. */
export async function startAppliance(options: RunOptions = {}): Promise<Appliance> {
  const appliance = new Appliance(await newWorkDirectory(), options)
  try {
    await appliance.start()
    return appliance
  } catch (error) {
    await appliance[Symbol.asyncDispose]()
    throw error
  }
}
