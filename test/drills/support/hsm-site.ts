import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GeneratedKey } from '@warder/contract'
import { type Config, createSoftHsmToken } from '@warder/hsm-pkcs11'
import { connectHsm, type HsmClient } from '../../../daemon/src/hsm/client.ts'
import { parseSupervisorConfig, type SupervisorConfig } from '../../../daemon/src/hsm/config.ts'
import { until } from '../../support/until.ts'
import { SigningLoad } from './signing-load.ts'
import { SupervisorProcess } from './supervisor-process.ts'

const specifier = '@warder/hsm-pkcs11'

/** A SoftHSM2 token with what stands before it in production: a supervisor, HSM hosts, and a client of them. */
export class HsmSite implements AsyncDisposable {
  readonly directory: string
  readonly token: Config
  readonly #clients: HsmClient[] = []
  readonly #supervisors: SupervisorProcess[] = []

  private constructor(directory: string, token: Config) {
    this.directory = directory
    this.token = token
  }

  static async make(): Promise<HsmSite> {
    const directory = await mkdtemp(join(tmpdir(), 'warder-hsm-drill-'))
    return new HsmSite(directory, await createSoftHsmToken(join(directory, 'token')))
  }

  /** For a supervisor of two hosts, with a run directory of this name. */
  async supervision(plugin: Partial<SupervisorConfig['plugin']> = {}, name = 'run'): Promise<SupervisorConfig> {
    const runDir = join(this.directory, name)
    await mkdir(runDir, { recursive: true, mode: 0o700 })
    return parseSupervisorConfig({ runDir, plugin: { specifier, config: this.token, ...plugin } })
  }

  /** Its hosts are ready, and the client is connected to both. */
  async start(config: SupervisorConfig, within?: readonly string[]): Promise<Served> {
    const supervisor = await SupervisorProcess.start(config, within)
    this.#supervisors.push(supervisor)
    const client = connectHsm({ runDir: config.runDir, hosts: config.hosts })
    this.#clients.push(client)
    const served = new Served(client, supervisor)
    await served.whole()
    return served
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]()
    for (const supervisor of this.#supervisors) await supervisor.stop()
    await rm(this.directory, { recursive: true, force: true })
  }
}

const op = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) })

/** The hosts of one supervisor, and a client of them. */
export class Served {
  readonly client: HsmClient
  readonly #supervisor: SupervisorProcess

  constructor(client: HsmClient, supervisor: SupervisorProcess) {
    this.client = client
    this.#supervisor = supervisor
  }

  async pids(): Promise<readonly number[]> {
    return (await this.#supervisor.hosts()).flatMap(({ pid }) => (pid === null ? [] : [pid]))
  }

  /** Resolves when all hosts serve, and none of `but` among them. */
  async whole(but: readonly number[] = []): Promise<void> {
    await until(
      'all hosts, and a client of them',
      async () => {
        const hosts = await this.#supervisor.hosts()
        if (!hosts.every(({ pid, state }) => state === 'ready' && pid !== null && !but.includes(pid))) return false
        const { ok, detail } = await this.client.health(op())
        return ok && detail.startsWith(`${hosts.length} of ${hosts.length}`) && detail.endsWith('answers')
      },
      30_000,
    )
  }

  residentKey(id = randomBytes(16).toString('hex')): Promise<GeneratedKey> {
    const spec = { algorithm: 'P-256', usage: 'sign', custody: 'resident', exportable: false, id } as const
    return this.client.generate(spec, op())
  }

  /** Keeps eight callers signing from before `fault` until other hosts have taken over, all of them, and serve. */
  underLoad(key: GeneratedKey, fault: (load: SigningLoad) => Promise<void>): Promise<SigningLoad> {
    return this.signing(key, async load => {
      const before = await this.pids()
      await fault(load)
      await this.whole(before)
    })
  }

  /** Keeps callers signing from before `event` until after it. */
  async signing(key: GeneratedKey, event: (load: SigningLoad) => Promise<void>, callers = 8): Promise<SigningLoad> {
    const load = new SigningLoad(this.client, key, callers)
    try {
      await until('calls under way', () => load.signed > 50)
      await event(load)
      const now = load.signed
      await until('service after it', () => load.signed > now + 50)
    } finally {
      await load.stop()
    }
    return load
  }
}
