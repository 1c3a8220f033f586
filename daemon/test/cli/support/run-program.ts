import { type ChildProcess, spawn } from 'node:child_process'
import { program } from '../../../../test/support/program.ts'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts one of the daemon's programs. One that does not end within half a minute is killed. */
export function startProgram(name: 'index' | 'hsm', args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const [command, ...rest] = program(name)
  const child = spawn(command, [...rest, ...args], {
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
