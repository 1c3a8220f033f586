import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { plugin } from '../src/plugin.ts'
import type { Config } from '../src/config.ts'
import { host, op } from './support.ts'

export type Task = { readonly destroy: string } | { readonly generate: string }

/** Does one thing to the token from a process of its own, as another HSM host would. Answers a made key's SPKI, base64. */
export async function inAnotherProcess(config: Config, task: Task): Promise<string> {
  const child = fork(fileURLToPath(import.meta.url), ['child'], { execArgv: process.execArgv })
  const answer = once(child, 'message')
  const end = once(child, 'exit')
  child.send({ config, task })
  const [result] = (await Promise.race([
    answer,
    end.then(([code]) => Promise.reject(new Error(`the child ended with ${String(code)}`))),
  ])) as [string]
  await end
  return result
}

async function perform(config: Config, task: Task): Promise<string> {
  const provider = await plugin.open(config, host, op)
  try {
    if ('destroy' in task) {
      await provider.destroy({ custody: 'resident', algorithm: 'P-256', id: task.destroy }, op)
      return ''
    }
    const { spki } = await provider.generate({ algorithm: 'P-256', custody: 'resident', id: task.generate }, op)
    return Buffer.from(spki).toString('base64')
  } finally {
    await provider[Symbol.asyncDispose]()
  }
}

if (process.argv[2] === 'child' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [message] = (await once(process, 'message')) as [{ config: Config; task: Task }]
  process.send?.(await perform(message.config, message.task))
  process.disconnect()
}
