import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { plugin } from '../src/plugin.ts'
import type { Config } from '../src/config.ts'
import { host, op, specOf, spkiOf } from './support.ts'

export type Task =
  | { readonly destroy: string }
  | { readonly generate: string }
  | { readonly generateMac: string }
  | { readonly createRootKey: true }

/** Does one thing to the token from a process of its own, as another HSM host would. Answers a made key's SPKI or check value, base64, or a number. */
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

/** Makes root keys without end in a process of its own, and kills that as soon as it has made so many. */
export async function killedWhileMaking(config: Config, generations: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['making'], { execArgv: process.execArgv })
  const end = once(child, 'exit')
  let made = 0
  child.on('message', () => {
    if (++made === generations) child.kill('SIGKILL')
  })
  child.send(config)
  const [code] = (await end) as [number | null]
  if (code !== null) throw new Error(`the child ended with ${code}`)
}

async function makeUntilKilled(config: Config): Promise<never> {
  const provider = await plugin.open(config, host, op)
  for (;;) process.send?.(await provider.createRootKey(op))
}

async function perform(config: Config, task: Task): Promise<string> {
  const provider = await plugin.open(config, host, op)
  try {
    if ('destroy' in task) {
      await provider.destroy({ custody: 'resident', algorithm: 'P-256', usage: 'sign', id: task.destroy }, op)
      return ''
    }
    if ('createRootKey' in task) return String(await provider.createRootKey(op))
    if ('generateMac' in task) {
      const spec = specOf({ algorithm: 'HMAC-SHA-256', custody: 'resident', id: task.generateMac })
      return Buffer.from((await provider.generate(spec, op)).checkValue ?? []).toString('base64')
    }
    const made = await provider.generate(specOf({ custody: 'resident', id: task.generate }), op)
    return Buffer.from(spkiOf(made)).toString('base64')
  } finally {
    await provider[Symbol.asyncDispose]()
  }
}

if (process.argv[2] === 'child' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [message] = (await once(process, 'message')) as [{ config: Config; task: Task }]
  process.send?.(await perform(message.config, message.task))
  process.disconnect()
}

if (process.argv[2] === 'making' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [config] = (await once(process, 'message')) as [Config]
  await makeUntilKilled(config)
}
