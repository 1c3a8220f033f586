import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '@warder/hsm-pkcs11'
import { familyOf, gone } from './family.ts'
import { countCallsIn, libraries, signedInputsIn, spyModule } from './spied-calls.ts'
import { until } from './until.ts'

// of Debian's p11-kit-modules
const clientModule = join(libraries, 'pkcs11', 'p11-kit-client.so')

/**
 * A token in processes of its own, as one on a network is: `p11-kit server` before the module, one process for each that has
 * initialised it. It can be killed, and hung, without touching who uses it. OpenSC's spy stands between server and module
 * and counts what the token is asked to do, whoever lives to hear the answer.
 */
export class TokenServer implements AsyncDisposable {
  readonly #token: Config
  readonly #directory: string
  #server: ChildProcess | undefined

  private constructor(token: Config, directory: string) {
    this.#token = token
    this.#directory = directory
  }

  /** Serves the token of this configuration, on a socket in `directory`. */
  static async start(token: Config, directory: string): Promise<TokenServer> {
    const server = new TokenServer(token, directory)
    await writeFile(server.#log, '')
    await server.start()
    return server
  }

  /** For the plugin: the same token, through the server. */
  get config(): Config {
    return {
      ...this.#token,
      module: clientModule,
      environment: { P11_KIT_SERVER_ADDRESS: `unix:path=${this.#socket}` },
    }
  }

  /** How often the token was asked for this, such as `C_Sign`, by all its users together. */
  async calls(name: string): Promise<number> {
    return countCallsIn(await readFile(this.#log, 'utf8'), name)
  }

  /** What it was asked to sign, hexadecimal, in the order of the asking. What a kill tore apart is left out. */
  async signedInputs(): Promise<readonly string[]> {
    return signedInputsIn(await readFile(this.#log, 'utf8'))
  }

  /** As after a kill: users that were there before are not known any more. */
  async start(): Promise<void> {
    await rm(this.#socket, { force: true })
    const token =
      'label' in this.#token.token ? `token=${this.#token.token.label}` : `serial=${this.#token.token.serial}`
    const server = spawn('p11-kit', ['server', '-f', '-n', this.#socket, '-p', spyModule, `pkcs11:${token}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        ...this.#token.environment,
        PKCS11SPY: this.#token.module,
        PKCS11SPY_OUTPUT: this.#log,
      },
    })
    this.#server = server
    let said = ''
    server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const failed = once(server, 'error').then(([error]) => {
      throw error
    })
    failed.catch(() => undefined)
    const listening = until('p11-kit server', () => {
      if (server.exitCode !== null) throw new Error(`p11-kit server ended: ${said}`)
      return existsSync(this.#socket)
    })
    await Promise.race([listening, failed])
  }

  /** SIGKILL, to all of it: users find their connections closed in the middle of what they do. */
  async kill(): Promise<void> {
    const family = familyOf(this.#server?.pid ?? 0)
    for (const { pid } of family) process.kill(pid, 'SIGKILL')
    await gone(family)
    this.#server = undefined
  }

  /** Nothing is answered any more, and nothing is closed. */
  hang(): void {
    for (const { pid } of familyOf(this.#server?.pid ?? 0)) process.kill(pid, 'SIGSTOP')
  }

  /** It goes on with what it was asked, whether or not somebody still waits for it. */
  resume(): void {
    for (const { pid } of familyOf(this.#server?.pid ?? 0)) process.kill(pid, 'SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  get #socket(): string {
    return join(this.#directory, 'token.socket')
  }

  get #log(): string {
    return join(this.#directory, 'token-calls.log')
  }
}
