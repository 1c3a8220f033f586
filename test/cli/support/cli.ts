import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Appliance, startAppliance } from '../../support/appliance.ts'
import { program as commandOf } from '../../support/program.ts'

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** As bytes. */
  readonly out: Buffer
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

/** How to start `warder`, wherever. */
export const program = commandOf('index')

/** Runs the program in `cwd`, with nothing of this process's own settings. What does not end is killed. */
export function run(cwd: string, args: readonly string[], { stdin = '', env = {} }: RunOptions = {}): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:WARDER_|XDG_|NO_COLOR|FORCE_COLOR)/.test(name))
  const environment = { ...Object.fromEntries(inherited), XDG_CONFIG_HOME: join(cwd, 'config'), ...env }
  const [command, ...rest] = program
  const child = spawn(command, [...rest, ...args], { cwd, env: environment })
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const out: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A program that reads no input may be gone before it is written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(timer)
      const bytes = Buffer.concat(out)
      resolve({ code, stdout: bytes.toString('utf8'), stderr, out: bytes })
    })
  })
}

/** A person with a shell in a directory of their own, and an appliance as `warder dev` starts it. */
export class Shell implements AsyncDisposable {
  readonly appliance: Appliance
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>

  private constructor(appliance: Appliance, cwd: string) {
    const { url, ca, apiKeyFile } = appliance.ready
    this.appliance = appliance
    this.cwd = cwd
    this.env = { WARDER_ADDR: url, WARDER_CACERT: ca, WARDER_TOKEN_FILE: apiKeyFile }
  }

  static async start(): Promise<Shell> {
    const appliance = await startAppliance()
    const cwd = await mkdtemp(join(appliance.work, 'shell-'))
    await mkdir(join(cwd, 'config'))
    return new Shell(appliance, cwd)
  }

  path(name: string): string {
    return join(this.cwd, name)
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), content, { mode: 0o600 })
    return name
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(this.cwd, args, { ...options, env: { ...this.env, ...options.env } })
  }

  /** What a command prints that must go well; nothing but notes may be on stderr. */
  async ok(args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options)
    expect(code, `${args.join(' ')}: ${stderr}`).to.equal(0)
    return stdout
  }

  /** The same in its JSON form. */
  async json<Answer>(args: readonly string[], options?: RunOptions): Promise<Answer> {
    return JSON.parse(await this.ok([...args, '--format', 'json'], options)) as Answer
  }

  /** What a command says on stderr that must fail, with this exit code and nothing on stdout. */
  async refused(exitCode: number, args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options)
    expect({ code, stdout }, `${args.join(' ')}: ${stderr}`).to.deep.equal({ code: exitCode, stdout: '' })
    expect(stderr).to.not.match(/^ +at /m)
    return stderr
  }

  /** Removes {@link cwd} too, which is below the appliance's own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.appliance[Symbol.asyncDispose]()
    await rm(this.cwd, { recursive: true, force: true })
  }
}

/** A command as a shell reads it. */
export function quoted(words: readonly string[]): string {
  return words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
}

/** A transcript's table as rows of cells, the heading first. */
export function rowsOf(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map(line => line.split(/ {2,}/))
}

/** The value of one field as `show` commands print it. */
export function fieldOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name} {2,}(.*)$`, 'm').exec(text)?.[1]
}
