import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchAppliance } from './bench-appliance.ts'
import type { client } from './servers/client.ts'
import type { echo } from './servers/echo.ts'
import type { engineLoop } from './servers/engine.ts'
import type { rawToken } from './servers/raw-token.ts'
import type { syncLoop } from './servers/sync-loop.ts'
import { Worker } from './worker.ts'

/**
 * Everyone who takes part in a measurement, each in processes of its own and started when first asked for. Those that
 * are not measured in a window wait, and take nothing of the machine.
 */
export class Parties implements AsyncDisposable {
  readonly work: string
  readonly #nodeOptions: readonly string[]
  readonly #started = new Map<string, Promise<AsyncDisposable>>()

  private constructor(work: string, nodeOptions: readonly string[]) {
    this.work = work
    this.#nodeOptions = nodeOptions
  }

  /** `nodeOptions` are of the appliance's processes. */
  static async gather(nodeOptions: readonly string[] = []): Promise<Parties> {
    return new Parties(await mkdtemp(join(tmpdir(), 'warder-bench-')), nodeOptions)
  }

  appliance(): Promise<BenchAppliance> {
    return this.#once('appliance', () => BenchAppliance.start(join(this.work, 'main'), this.#nodeOptions))
  }

  /** The client of everything; a second one where two things are asked at once. */
  client(name = 'client'): Promise<Worker<typeof client>> {
    return this.#once(name, async () => new Worker('servers/client.ts', {}))
  }

  /**
   * An appliance that was just started on a store with so many keys. It has the token, the certificate and the client's
   * trust of the first appliance, and storage, journal and HSM hosts of its own.
   */
  async populated(count: number): Promise<BenchAppliance> {
    const { ready, configFile } = await this.appliance()
    return this.#once(`populated ${count}`, async () => {
      const dir = join(this.work, `populated-${count}`)
      const at = join(dir, 'appliance')
      await mkdir(join(at, 'data'), { recursive: true, mode: 0o700 })
      for (const part of ['hsm', 'tls']) await cp(join(ready.dir, part), join(at, part), { recursive: true })
      const filler = new Worker<typeof engineLoop>('servers/engine.ts', {
        args: [configFile, join(at, 'data'), 'disk'],
      })
      try {
        await writeFile(join(at, 'admin.key'), `${await filler.ask('fill', { count })}\n`, { mode: 0o600 })
      } finally {
        await filler[Symbol.asyncDispose]()
      }
      return BenchAppliance.start(dir)
    })
  }

  /** The two processes of the raw loop. */
  async raw(): Promise<readonly [Worker<typeof rawToken>, Worker<typeof rawToken>]> {
    const { ready } = await this.appliance()
    const one = (index: number): Promise<Worker<typeof rawToken>> =>
      this.#once(
        `raw ${index}`,
        async () => new Worker('servers/raw-token.ts', { args: [join(ready.dir, 'hsm', 'hsm.json')] }),
      )
    return [await one(0), await one(1)]
  }

  async echo(kind: 'https' | 'koa'): Promise<{ worker: Worker<typeof echo>; port: number }> {
    const { ready } = await this.appliance()
    const pair = [join(ready.dir, 'tls', 'server.pem'), join(ready.dir, 'tls', 'server.key')]
    const worker = await this.#once(
      `echo ${kind}`,
      async () => new Worker<typeof echo>('servers/echo.ts', { args: [kind, ...pair] }),
    )
    return { worker, port: await worker.ask('listen', undefined) }
  }

  async engine(journal: 'disk' | 'none'): Promise<Worker<typeof engineLoop>> {
    const { configFile } = await this.appliance()
    return this.#once(`engine ${journal}`, async () => {
      const dir = join(this.work, `engine-${journal}`)
      await mkdir(dir)
      return new Worker<typeof engineLoop>('servers/engine.ts', { args: [configFile, dir, journal] })
    })
  }

  syncLoop(): Promise<Worker<typeof syncLoop>> {
    return this.#once(
      'sync',
      async () => new Worker<typeof syncLoop>('servers/sync-loop.ts', { args: [join(this.work, 'synced')] }),
    )
  }

  /** Ends all of them, who came last first, and removes what they wrote. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const started of [...this.#started.values()].reverse()) {
        const party = await started.catch(() => undefined)
        await party?.[Symbol.asyncDispose]()
      }
    } finally {
      await rm(this.work, { recursive: true, force: true })
    }
  }

  #once<Party extends AsyncDisposable>(name: string, start: () => Promise<Party>): Promise<Party> {
    const known = this.#started.get(name)
    if (known !== undefined) return known as Promise<Party>
    const starting = start()
    this.#started.set(name, starting)
    return starting
  }
}
