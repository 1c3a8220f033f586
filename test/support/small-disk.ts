import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'

/**
 * A tmpfs of a fixed size at one directory, in a mount namespace of its own: only what is started {@link within} sees it.
 * A process that does nothing holds the namespace; when it ends, and all that was started within, nothing is left to unmount.
 */
export class SmallDisk implements AsyncDisposable {
  readonly #holder: ChildProcess
  readonly #directory: string

  constructor(holder: ChildProcess, directory: string) {
    this.#holder = holder
    this.#directory = directory
  }

  /** The command that runs what follows it where the disk is (nsenter(1)). */
  get within(): readonly string[] {
    const namespaces = isRoot ? ['--mount'] : ['--user', '--mount', '--preserve-credentials']
    return ['nsenter', `--target=${this.#holder.pid}`, `--wd=${process.cwd()}`, ...namespaces, '--']
  }

  /** The directory as others reach it (proc(5)). */
  get directory(): string {
    return `/proc/${this.#holder.pid}/root${this.#directory}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#holder, 'exit')
    this.#holder.kill('SIGKILL')
    await ended
  }
}

const isRoot = process.getuid?.() === 0

/** Needs root, or a kernel that lets users make namespaces. */
export async function mountSmallDisk(directory: string, kibibytes: number): Promise<SmallDisk> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const script = `mount -t tmpfs -o size=${kibibytes}k,mode=0700 warder-test "$0" && echo mounted && exec sleep infinity`
  const holder = spawn('unshare', [isRoot ? '-m' : '-Urm', 'sh', '-c', script, directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  process.once('exit', () => holder.kill('SIGKILL'))
  let said = ''
  holder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const mounted = once(holder.stdout, 'data').then(() => true)
  const failed = once(holder, 'exit').then(() => false)
  if (!(await Promise.race([mounted, failed]))) throw new Error(`no small disk could be mounted: ${said}`)
  return new SmallDisk(holder, directory)
}
