import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quoted } from '../../cli/support/cli.ts'
import { program } from '../../support/program.ts'

export interface Printed {
  /** Of the whole script. */
  readonly code: number | null
  /** What each block printed, on both outputs; of those that were reached. */
  readonly blocks: readonly string[]
}

const programs = [
  ['warder', 'index'],
  ['warder-hsm', 'hsm'],
] as const

/** The commands that take `--config`, as patterns of the shell. */
const onHost = {
  index:
    "'init '* | 'serve '* | 'doctor '* | 'unseal '* | 'seal '* | 'restore '* | 'tls renew' | 'config check' | 'audit accept-loss' | 'verify store' | 'admin recover'",
  hsm: '*',
} as const

/**
 * A person's shell: a home of its own, this product's programs on its path, and none of this process's settings. What is
 * still running in the end is ended.
 */
export class PersonShell implements AsyncDisposable {
  readonly home: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #within: readonly string[]
  #group: number | undefined

  private constructor(home: string, installed: boolean) {
    this.home = home
    this.#within = installed ? ['unshare', process.getuid?.() === 0 ? '-m' : '-Urm'] : []
    const kept = Object.entries(process.env).filter(([name]) => !/^(?:WARDER_|XDG_|NO_COLOR|FORCE_COLOR)/.test(name))
    this.#environment = {
      ...Object.fromEntries(kept),
      HOME: home,
      PATH: `${join(home, '.bin')}:${process.env['PATH'] ?? ''}`,
    }
  }

  /**
   * `installed`: the programs take `etc/warder.toml` in the home for that of the machine, and what the shell mounts is seen
   * by itself alone.
   */
  static async make({ installed = false }: { readonly installed?: boolean } = {}): Promise<PersonShell> {
    const home = await realpath(await mkdtemp(join(tmpdir(), 'warder-home-')))
    await mkdir(join(home, '.bin'))
    for (const [name, which] of programs) {
      const config = installed
        ? `case "$1 \${2:-}" in ${onHost[which]}) set -- "$@" --config ${home}/etc/warder.toml ;; esac`
        : ''
      const script = `#!/bin/sh\n${config}\nexec ${quoted(program(which))} "$@"\n`
      await writeFile(join(home, '.bin', name), script, { mode: 0o755 })
    }
    return new PersonShell(home, installed)
  }

  /**
   * Runs blocks in one shell, one after the other, until one fails (`set -euo pipefail`). `before` comes first and belongs
   * to no block. What has not ended `withinMs` is killed: what it printed until then says where it stood.
   */
  async run(blocks: readonly string[], { before = '', withinMs = 150_000 } = {}): Promise<Printed> {
    const mark = `-- ${Math.random().toString(36).slice(2)} --`
    const script = [
      'set -euo pipefail',
      `trap 'for job in $(jobs -p); do kill "$job" || true; done; wait' EXIT`,
      'exec 2>&1 </dev/null',
      'cd',
      before,
      ...blocks.flatMap(block => [`printf '\\n%s\\n' '${mark}'`, block]),
    ].join('\n')
    // a group of its own: what it leaves in the background can be ended with it
    const child = spawn('/usr/bin/env', [...this.#within, 'bash', '-c', script], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    this.#group = child.pid
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    const timer = setTimeout(() => this.#kill(), withinMs)
    const code = await new Promise<number | null>(resolve => child.once('close', resolve))
    clearTimeout(timer)
    return { code, blocks: text.split(`\n${mark}\n`).slice(1) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill()
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 })
  }

  #kill(): void {
    try {
      if (this.#group !== undefined) process.kill(-this.#group, 'SIGKILL')
    } catch (error) {
      // all of it has ended
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** A port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
