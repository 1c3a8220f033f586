import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { plugin } from '../src/plugin.ts'
import type { Config } from '../src/config.ts'
import { host, op } from './support.ts'

/** Makes root keys for these tokens without end in a process of its own, which is killed so long after it has made one. */
export async function killedSharing(configs: readonly Config[], afterMs: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['sharing'], { execArgv: process.execArgv })
  const end = once(child, 'exit')
  child.once('message', () => setTimeout(() => child.kill('SIGKILL'), afterMs))
  child.send(configs)
  const [code] = (await end) as [number | null]
  if (code !== null) throw new Error(`the child ended with ${code}`)
}

if (process.argv[2] === 'sharing' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [[config, ...peers]] = (await once(process, 'message')) as [[Config, ...Config[]]]
  const provider = await plugin.open(config, host, op, peers)
  for (;;) process.send?.(await provider.createRootKey(op))
}
