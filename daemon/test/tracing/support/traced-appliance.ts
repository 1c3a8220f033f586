import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Closer } from '../../../src/closer.ts'
import { compose, initialiseAppliance } from '../../../src/compose.ts'
import { configSchema, type Config, type ConfigFile } from '../../../src/config/schema.ts'
import { layout, prepare } from '../../../src/dev/prepare.ts'
import { startSupervisor } from '../../../src/hsm/supervisor.ts'
import { createLog } from '../../../src/log/create-log.ts'
import { Client } from './client.ts'

/** A development appliance whose API side is composed in this process, as `warder serve` composes it. */
export class TracedAppliance implements AsyncDisposable {
  readonly #closer = new Closer()
  #config: Config
  #apiKey = ''
  #logged = ''
  readonly #log = createLog({ write: line => void (this.#logged += line) }, 'debug')

  private constructor(config: Config) {
    this.#config = config
  }

  static async make(): Promise<TracedAppliance> {
    const dir = await mkdtemp(join(tmpdir(), 'warder-traced-'))
    const appliance = new TracedAppliance(await prepare(dir, 0))
    appliance.#closer.defer(() => rm(dir, { recursive: true, force: true }))
    try {
      await appliance.#initialise()
      return appliance
    } catch (error) {
      await appliance[Symbol.asyncDispose]()
      throw error
    }
  }

  get logged(): string {
    return this.#logged
  }

  get apiKey(): string {
    return this.#apiKey
  }

  file(name: string): string {
    return join(this.#config.dataDir, name)
  }

  writeSecret(name: string, text: string): Promise<void> {
    return writeFile(this.file(name), text, { mode: 0o600 })
  }

  /** Serves, traced as told, while `use` runs; resolves when it is closed, with how long closing took in milliseconds. */
  async serving(tracing: ConfigFile['tracing'], use: (client: Client, url: string) => Promise<void>): Promise<number> {
    const parsed = tracing === undefined ? undefined : configSchema.shape.tracing.parse(tracing)
    const config: Config = { ...this.#config, tracing: parsed }
    const appliance = await compose(config, this.#log)
    let closed = 0
    try {
      const ca = await readFile(layout(join(config.dataDir, '..')).ca, 'utf8')
      const client = new Client({ url: appliance.url, ca, apiKey: this.#apiKey })
      try {
        await use(client, appliance.url)
      } finally {
        client.close()
      }
    } finally {
      const began = performance.now()
      await appliance[Symbol.asyncDispose]()
      closed = performance.now() - began
    }
    return closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closer[Symbol.asyncDispose]()
  }

  async #initialise(): Promise<void> {
    const { runDir, watchdogMs, plugin, config } = this.#config.hsm
    this.#config = { ...this.#config, hsm: { ...this.#config.hsm, hosts: 1 } }
    const supervised = { runDir, hosts: 1, watchdogMs: Math.max(watchdogMs, 20_000) }
    this.#closer.push(await startSupervisor({ ...supervised, plugin: { specifier: plugin, config } }, this.#log))
    this.#apiKey = (await initialiseAppliance(this.#config, this.#log)).adminKey ?? ''
  }
}
