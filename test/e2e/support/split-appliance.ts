import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@warder/contract'
import { layout } from '../../../daemon/src/dev/prepare.ts'
import { startDev } from '../../../daemon/src/dev/run.ts'
import { Client } from '../../support/client.ts'
import { program } from '../../support/program.ts'
import { until } from '../../support/until.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A program of the appliance in a process of its own. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  log = ''

  constructor(name: 'index' | 'hsm', args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [command, ...rest] = program(name)
    this.child = spawn(command, [...rest, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    this.ended = once(this.child, 'exit').then(([code]) => code as number | null)
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.running) this.child.kill(signal)
    return this.ended
  }
}

/**
 * An initialised appliance on a software token, as two programs: `warder-hsm serve` and `warder serve`. Its PIN is 40 random
 * hexadecimal digits, and with the operator: no file has it.
 */
export class SplitAppliance implements AsyncDisposable {
  readonly dir: string
  readonly pin: Buffer
  readonly #ca: string
  readonly #apiKey: string
  readonly #clients: Client[] = []
  hsm: Running | undefined
  api: Running | undefined

  private constructor(dir: string, pin: Buffer, ca: string, apiKey: string) {
    this.dir = dir
    this.pin = pin
    this.#ca = ca
    this.#apiKey = apiKey
  }

  static async make(): Promise<SplitAppliance> {
    const dir = await mkdtemp(join(tmpdir(), 'warder-split-'))
    const at = layout(dir)
    const dev = await startDev({ dir, port: 0 }, silent)
    await dev[Symbol.asyncDispose]()
    const pinFile = join(at.token, 'pin')
    const pin = (await readFile(pinFile)).subarray(0, 40)
    for (const file of [pinFile, join(at.token, 'hsm.json')]) await rm(file)
    const appliance = new SplitAppliance(
      dir,
      pin,
      await readFile(at.ca, 'utf8'),
      (await readFile(at.apiKey, 'utf8')).trim(),
    )
    await appliance.configure(text => text.replace(/(\[hsm\.config\.pin\]\n)file = .*/, '$1operator = true'))
    return appliance
  }

  get config(): string {
    return layout(this.dir).config
  }

  get runDir(): string {
    return layout(this.dir).run
  }

  get journalDir(): string {
    return join(layout(this.dir).data, 'journal')
  }

  journal(): Promise<string> {
    return readFile(join(this.journalDir, '0000000000000000.log'), 'utf8')
  }

  /** Changes the text of the configuration. */
  async configure(change: (text: string) => string): Promise<void> {
    await writeFile(this.config, change(await readFile(this.config, 'utf8')))
  }

  /** Resolves when the supervisor says how it is. */
  async startHsm(env?: Readonly<Record<string, string>>): Promise<Running> {
    await rm(join(this.runDir, 'hsm-status.json'), { force: true })
    const hsm = new Running('hsm', ['serve', '--config', this.config], env)
    this.hsm = hsm
    await until('a supervisor that has settled', async () => {
      if (!hsm.running) throw new Error(`it ended: ${hsm.log}`)
      const text = await readFile(join(this.runDir, 'hsm-status.json'), 'utf8').catch(() => '{}')
      return ['sealed', 'serving', 'refused'].includes(String((JSON.parse(text) as { state?: string }).state))
    })
    return hsm
  }

  /** Resolves when it listens. */
  async startApi(env?: Readonly<Record<string, string>>): Promise<Running> {
    const api = new Running('index', ['serve', '--config', this.config], env)
    this.api = api
    await until('a listener', () => {
      if (!api.running) throw new Error(`it ended: ${api.log}`)
      return this.url !== undefined
    })
    return api
  }

  get url(): string | undefined {
    return /"url":"([^"]+)"/.exec(this.api?.log ?? '')?.[1]
  }

  get environment(): Readonly<Record<string, string>> {
    const at = layout(this.dir)
    return { WARDER_ADDR: this.url ?? '', WARDER_CACERT: at.ca, WARDER_TOKEN_FILE: at.apiKey }
  }

  client(): Client {
    const client = new Client({ url: this.url ?? '', ca: this.#ca, apiKey: this.#apiKey })
    this.#clients.push(client)
    return client
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close()
    await this.api?.stop()
    await this.hsm?.stop()
    this.api = this.hsm = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop()
    } finally {
      await rm(this.dir, { recursive: true, force: true })
    }
  }
}
