import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program as commandOf } from '../../support/program.ts'

const programs = { warder: 'index', 'warder-hsm': 'hsm' } as const

export interface Account {
  readonly user: string
  readonly uid: number
  readonly gid: number
}

/** System users that every Debian has (base-passwd): one for the API, one for the HSM hosts. */
export const apiAccount: Account = { user: 'nobody', uid: 65_534, gid: 65_534 }
export const hsmAccount: Account = { user: 'daemon', uid: 1, gid: 1 }
const clients = 'nogroup'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A root of its own with a configuration that uses SoftHSM2, as on a machine where the package was installed. */
export class Machine implements AsyncDisposable {
  readonly dir: string
  readonly config: string

  private constructor(dir: string) {
    this.dir = dir
    this.config = this.file('etc/warder.toml')
  }

  /**
   * `separate`: the API and the HSM hosts are different users, for which the test must be root. `operator`: no file has
   * the PIN.
   */
  static async make({
    separate,
    operator = false,
  }: {
    readonly separate: boolean
    readonly operator?: boolean
  }): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'warder-machine-')))
    await chmod(machine.dir, 0o755)
    await mkdir(machine.file('etc'), { mode: 0o755 })
    for (const name of ['hsm', 'hsm/tokens']) {
      await mkdir(machine.file(name), { mode: 0o700 })
      if (separate) await chown(machine.file(name), hsmAccount.uid, hsmAccount.gid)
    }
    await writeFile(
      machine.file('etc/softhsm2.conf'),
      `directories.tokendir = ${machine.file('hsm/tokens')}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`,
    )
    const text = configuration(machine.dir, separate)
    await writeFile(machine.config, operator ? text.replace('{ credential = "hsm-pin" }', '{ operator = true }') : text)
    return machine
  }

  file(name: string): string {
    return join(this.dir, name)
  }

  start(program: keyof typeof programs, args: readonly string[], options: StartOptions = {}): ChildProcess {
    const { as, environment = {}, through = [] } = options
    const [command = '', ...rest] = [...through, ...commandOf(programs[program]), ...args]
    return spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      ...(as && { uid: as.uid, gid: as.gid }),
    })
  }

  async run(program: keyof typeof programs, args: readonly string[], options: StartOptions = {}): Promise<Ran> {
    const child = this.start(program, [...args, '--config', this.config], options)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, ...output }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.dir, { recursive: true, force: true })
  }
}

export interface StartOptions {
  readonly as?: Account | undefined
  readonly environment?: Readonly<Record<string, string>>
  /** What is executed, with the program as its arguments. */
  readonly through?: readonly string[] | undefined
}

const configuration = (dir: string, separate: boolean): string => `node = "machine"
${separate ? `user = "${apiAccount.user}"` : ''}
dataDir = "${dir}/lib/warder"
credentialsDir = "${dir}/etc/credentials"

[listen]
host = "127.0.0.1"
port = 0

[tls]
certificate = "${dir}/etc/tls/server.pem"
key = "credential:tls-key"

[tls.internalCa]
directory = "${dir}/lib/ca"
hosts = ["localhost", "127.0.0.1"]

[plugins]
allow = ["@warder/storage-sqlite", "@warder/hsm-pkcs11"]

[storage]
plugin = "@warder/storage-sqlite"
config = { file = "${dir}/lib/warder/store.sqlite" }

[hsm]
plugin = "@warder/hsm-pkcs11"
runDir = "${dir}/run/hsm"
${separate ? `user = "${hsmAccount.user}"\nsocketGroup = "${clients}"` : ''}

[hsm.config]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = { label = "warder" }
pin = { credential = "hsm-pin" }
stateDir = "${dir}/hsm/state"
environment = { SOFTHSM2_CONF = "${dir}/etc/softhsm2.conf" }
`
