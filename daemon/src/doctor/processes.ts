import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FoundProcess {
  readonly pid: number
  /** `warder`: the API process. */
  readonly program: 'warder' | 'warder-hsm' | 'HSM host'
}

/** The processes that serve a configuration, as far as this user may see them. */
export async function processesOf(proc: string, config: string, hosts: readonly number[]): Promise<FoundProcess[]> {
  const found: FoundProcess[] = hosts.map(pid => ({ pid, program: 'HSM host' }))
  for (const name of await readdir(proc)) {
    if (!/^\d+$/.test(name)) continue
    const argv = (await readFile(join(proc, name, 'cmdline'), 'utf8').catch(() => '')).split('\0')
    const program = programOf(argv, config)
    if (program !== undefined) found.push({ pid: Number(name), program })
  }
  return found
}

/** `node …/cli/index.js serve --config FILE`, or `hsm.js`. */
function programOf(argv: readonly string[], config: string): FoundProcess['program'] | undefined {
  const at = argv.indexOf('serve')
  const entry = argv[at - 1] ?? ''
  if (at < 1 || argv[argv.indexOf('--config', at) + 1] !== config) return undefined
  if (/\/cli\/index\.[jt]s$/.test(entry)) return 'warder'
  return /\/cli\/hsm\.[jt]s$/.test(entry) ? 'warder-hsm' : undefined
}

/** Soft limits by the name that they have in /proc/PID/limits; `Infinity` is unlimited. */
export type Limits = ReadonlyMap<string, number>

/** `undefined` when there is no such process, or it is not for this user to see. */
export async function limitsOf(proc: string, pid: number): Promise<Limits | undefined> {
  const text = await readFile(join(proc, String(pid), 'limits'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const lines = text
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, name, soft] = /^(\S.*?) {2,}(\S+)/.exec(line) ?? []
      return name === undefined || soft === undefined
        ? []
        : [[name, soft === 'unlimited' ? Infinity : Number(soft)] as const]
    })
  return new Map(lines)
}

/** How many descriptors a process has open; `undefined` when that is not for this user to see. */
export async function openFilesOf(proc: string, pid: number): Promise<number | undefined> {
  return readdir(join(proc, String(pid), 'fd')).then(
    names => names.length,
    () => undefined,
  )
}
