import type { ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readStatus } from '../../../daemon/src/hsm/status.ts'
import { Client } from '../../support/client.ts'
import { signedInputsIn, spyModule } from '../../support/spied-calls.ts'
import { until } from '../../support/until.ts'
import { Machine } from '../../systemd/support/machine.ts'

const softHsm = '/usr/lib/softhsm/libsofthsm2.so'

/**
 * A machine whose appliance has several SoftHSM2 tokens that share root keys, each with one host: `warder-hsm serve` and
 * `warder serve` as the units run them. The root keys are wrapped to a backup recipient. A token is lost by moving its files away. OpenSC's spy writes down what the tokens are asked.
 */
export class SeveralTokens implements AsyncDisposable {
  readonly machine: Machine
  readonly labels: string[] = ['warder']
  readonly #clients: Client[] = []
  #hsm: ChildProcess | undefined
  #api: ChildProcess | undefined
  #admin: Client | undefined
  #apiKey = ''
  logged = ''

  private constructor(machine: Machine) {
    this.machine = machine
  }

  /** Initialised in one ceremony, and serving. */
  static async start(): Promise<SeveralTokens> {
    const tokens = new SeveralTokens(await Machine.make({ separate: false }))
    try {
      await tokens.#makeRecipient()
      await tokens.#edit(text =>
        text
          .replace('runDir =', 'hosts = 1\nrunDir =')
          .replace(softHsm, spyModule)
          .replace(
            'environment = {',
            `environment = { PKCS11SPY = "${softHsm}", PKCS11SPY_OUTPUT = "${tokens.#calls}",`,
          )
          .concat(`backupRecipient = "${tokens.machine.file('etc/recipient.pem')}"\n\n[[hsm.tokens]]\n`),
      )
      await tokens.add('second')
      await tokens.well('warder-hsm', ['init', '--new-token'])
      await mkdir(tokens.#runDir, { recursive: true, mode: 0o700 })
      await tokens.startHsm()
      await tokens.well('warder', ['init', '--admin-key-file', tokens.machine.file('admin.key')])
      tokens.#apiKey = (await readFile(tokens.machine.file('admin.key'), 'utf8')).trim()
      await tokens.startApi()
      return tokens
    } catch (error) {
      await tokens[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The administrator, at the appliance as it runs now. */
  get admin(): Client {
    if (this.#admin === undefined) throw new Error('the appliance does not run')
    return this.#admin
  }

  /** Puts one more into the configuration. */
  async add(label: string): Promise<void> {
    this.labels.push(label)
    await this.#edit(
      text => `${text}\n[[hsm.tokens]]\ntoken = { label = "${label}" }\npin = { credential = "pin-${label}" }\n`,
    )
  }

  /** What a command says that may find something wrong. */
  async said(program: 'warder' | 'warder-hsm', args: readonly string[]): Promise<string> {
    return (await this.machine.run(program, args, { environment: this.#environment })).stdout
  }

  async well(program: 'warder' | 'warder-hsm', args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.machine.run(program, args, { environment: this.#environment })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
    return `${stdout}${stderr}`
  }

  /** Resolves when each host has been tried once. */
  async startHsm(): Promise<void> {
    this.#hsm = await this.#serve('warder-hsm')
    await until(
      'hosts that were tried',
      async () => {
        if (this.#hsm?.exitCode !== null) throw new Error(`warder-hsm ended: ${this.logged}`)
        const hosts = (await readStatus(this.#runDir))?.hosts ?? []
        return (
          hosts.length === this.labels.length && hosts.every(({ state }) => state !== 'starting' && state !== 'stopped')
        )
      },
      30_000,
    )
  }

  async startApi(): Promise<void> {
    const before = this.logged.length
    this.#api = await this.#serve('warder')
    await until(
      'serving',
      () => {
        if (this.#api?.exitCode !== null) throw new Error(`warder ended: ${this.logged.slice(before)}`)
        return /"message":"serving"/.test(this.logged.slice(before))
      },
      60_000,
    )
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(this.logged.slice(before))?.[0] ?? ''
    this.#admin = new Client({
      url,
      ca: await readFile(this.machine.file('etc/tls/ca.pem'), 'utf8'),
      apiKey: this.#apiKey,
    })
    this.#clients.push(this.#admin)
  }

  async stop(): Promise<void> {
    for (const child of [this.#api, this.#hsm]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    this.#api = this.#hsm = undefined
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.startHsm()
    await this.startApi()
  }

  /** Of the hosts that run for the token at this place in the configuration. */
  async pidsOf(token: number): Promise<readonly number[]> {
    const hosts = (await readStatus(this.#runDir))?.hosts ?? []
    return hosts.flatMap(host =>
      host.token === token && host.state === 'ready' && host.pid !== null ? [host.pid] : [],
    )
  }

  /** What the readiness probe says of the HSM. */
  async health(): Promise<string> {
    const { text } = await this.admin.send({ path: '/readyz?verbose' })
    return text
  }

  /** Moves the files of the token with this serial number away. Answers how to bring them back. */
  async takeAway(serial: string): Promise<() => Promise<void>> {
    const tokens = this.machine.file('hsm/tokens')
    for (const name of await readdir(tokens)) {
      // SoftHSM names the directory of a token for a UUID that ends in the serial number
      if (!name.replaceAll('-', '').endsWith(serial)) continue
      const [here, away] = [join(tokens, name), this.machine.file(`hsm/away-${name}`)]
      await rename(here, away)
      return () => rename(away, here)
    }
    throw new Error(`there is no token ${serial}`)
  }

  /** Takes a backup. Answers the options that restore it. */
  async backUp(): Promise<readonly string[]> {
    const file = this.machine.file('appliance.wb')
    const { status, bytes, text } = await this.admin.send({ method: 'POST', path: '/v1/backup' })
    if (status !== 200) throw new Error(`answered ${status}: ${text}`)
    await writeFile(file, bytes, { mode: 0o600 })
    return ['--from', file, '--recipient-key', this.machine.file('recipient.key')]
  }

  /** What is left then is the configuration and the certificate: no data, no token, wherever it is, and no PIN. */
  async loseAll(): Promise<void> {
    await this.stop()
    const credentials = this.machine.file('etc/credentials')
    const pins = (await readdir(credentials)).filter(name => /\bpin\b/.test(name))
    const lost = [
      ...pins.map(name => join(credentials, name)),
      this.machine.file('lib/warder'),
      this.machine.file('hsm'),
    ]
    for (const path of lost) await rm(path, { recursive: true })
    await mkdir(this.machine.file('hsm/tokens'), { recursive: true, mode: 0o700 })
  }

  /** How often the host of the token at this place in the configuration has unwrapped a key. */
  async unwraps(token: number): Promise<number> {
    const { text } = await this.admin.send({ path: '/metrics' })
    return Number(new RegExp(`^warder_hsm_cache_misses_total\\{host="${token}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  }

  /** What the tokens were asked to sign, hexadecimal. */
  async signedInputs(): Promise<readonly string[]> {
    return signedInputsIn(await readFile(this.#calls, 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.stop()
    await this.machine[Symbol.asyncDispose]()
  }

  get #calls(): string {
    return this.machine.file('calls.log')
  }

  get #runDir(): string {
    return this.machine.file('run/hsm')
  }

  get #environment(): Readonly<Record<string, string>> {
    return { CREDENTIALS_DIRECTORY: this.machine.file('etc/credentials') }
  }

  async #makeRecipient(): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' })
    await writeFile(this.machine.file('etc/recipient.pem'), pem, { mode: 0o644 })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    await writeFile(this.machine.file('recipient.key'), key, { mode: 0o600 })
  }

  async #edit(change: (text: string) => string): Promise<void> {
    await writeFile(this.machine.config, change(await readFile(this.machine.config, 'utf8')))
  }

  async #serve(program: 'warder' | 'warder-hsm'): Promise<ChildProcess> {
    const child = this.machine.start(program, ['serve', '--config', this.machine.config], {
      environment: this.#environment,
    })
    child.stdout?.resume()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.logged += text))
    await once(child, 'spawn')
    return child
  }
}
