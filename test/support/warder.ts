import { type ChildProcess, spawn } from 'node:child_process'
import { program } from './program.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Node's own options, before the program. */
  readonly nodeOptions?: readonly string[]
  /** A command that ends by executing what follows it. */
  readonly within?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** One run of the program `warder`. */
export class WarderProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], { nodeOptions = [], within = [], env = {} }: RunOptions = {}) {
    const [command = process.execPath, ...rest] = [...within, ...program('index', nodeOptions), ...args]
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.child = child
    child.stdout.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    const abandon = (): void => void child.kill('SIGKILL')
    process.once('exit', abandon)
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        process.off('exit', abandon)
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Everything it and its children have logged so far. */
  get stderr(): string {
    return this.#stderr
  }
}

/** Runs `warder` to its end; one that does not end is killed. */
export async function warder(args: readonly string[], options?: RunOptions): Promise<Ended> {
  const run = new WarderProcess(args, options)
  const timer = setTimeout(() => run.child.kill('SIGKILL'), 15_000)
  try {
    return await run.ended
  } finally {
    clearTimeout(timer)
  }
}
