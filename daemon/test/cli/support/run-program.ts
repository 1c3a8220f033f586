import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

const entries = {
  index: new URL('../../../src/cli/index.ts', import.meta.url),
  hsm: new URL('../../../src/cli/hsm.ts', import.meta.url),
}

/** Starts one of the daemon's programs. One that does not end within half a minute is killed. */
export function startProgram(name: 'index' | 'hsm', args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(entries[name]), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    })
  })
  return { child, ended }
}

export function runProgram(name: 'index' | 'hsm', ...args: readonly string[]): Promise<Ended> {
  return startProgram(name, args).ended
}
