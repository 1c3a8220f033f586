import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { WarderError } from '@warder/contract'
import type { Config } from '../src/config.ts'
import { plugin } from '../src/plugin.ts'
import { host, op } from './support.ts'

/** What a process of its own does with tokens: opens the first as a host does, or has it open and makes root keys on all. */
export interface Act {
  readonly act: 'open' | 'rotate'
  readonly configs: readonly [Config, ...Config[]]
}

/** Does all of these in the same moment, each in a process of its own. Answers the code of what each failed with, in order. */
export async function atOnce(acts: readonly Act[]): Promise<readonly string[]> {
  const children = []
  for (const act of acts) {
    const child = fork(fileURLToPath(import.meta.url), ['at-once'], { execArgv: process.execArgv })
    const next = async (): Promise<string> => {
      const ended = once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`a child ended with ${String(code)}`)),
      )
      const [message] = (await Promise.race([once(child, 'message'), ended])) as [string]
      return message
    }
    child.send(act)
    // modules fail when several processes initialise them at once
    await next()
    children.push({ child, next })
  }
  return Promise.all(
    children.map(async ({ child, next }) => {
      const end = once(child, 'exit')
      const code = next()
      child.send('go')
      const answer = await code
      await end
      return answer
    }),
  )
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'done',
    (error: unknown) => (WarderError.is(error) ? error.code : String(error)),
  )
}

if (process.argv[2] === 'at-once' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [{ act, configs }] = (await once(process, 'message')) as [Act]
  const [config, ...peers] = configs
  const opened = act === 'rotate' ? await plugin.open(config, host, op, peers) : undefined
  const go = once(process, 'message')
  process.send?.('ready')
  await go
  const opens = async (): Promise<void> => (await plugin.open(config, host, op, peers))[Symbol.asyncDispose]()
  const code = await codeOf(opened === undefined ? opens() : opened.createRootKey(op))
  await opened?.[Symbol.asyncDispose]()
  process.send?.(code)
  process.disconnect()
}
