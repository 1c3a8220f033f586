import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

type Reply = { readonly id: number; readonly ok: unknown } | { readonly id: number; readonly error: string }

/** What a worker can be asked, by name. */
export type Handlers = Readonly<Record<string, (ask: never) => unknown>>

/** The answer to a question of a worker whose handlers are `H`. */
type Answer<H extends Handlers, Name extends keyof H> = Awaited<ReturnType<H[Name]>>

/**
 * A part of the measurement in a process of its own, so that what it costs is its own. It runs when it is asked something
 * and waits otherwise.
 */
export class Worker<H extends Handlers> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #asked = 0

  /** `script` is a file beside this one. */
  constructor(
    script: string,
    options: { readonly args?: readonly string[]; readonly nodeOptions?: readonly string[] },
  ) {
    const { args = [], nodeOptions = [] } = options
    const path = fileURLToPath(new URL(script, import.meta.url))
    this.#child = fork(path, args, { execArgv: [...process.execArgv, ...nodeOptions], serialization: 'advanced' })
    this.#child.on('message', (reply: Reply) => {
      const asked = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if ('error' in reply) asked?.reject(new Error(`${script}: ${reply.error}`))
      else asked?.resolve(reply.ok)
    })
    this.#child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${script} ended with ${code ?? signal}`))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  ask<Name extends keyof H & string>(name: Name, given: Parameters<H[Name]>[0]): Promise<Answer<H, Name>> {
    const id = ++this.#asked
    const answered = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.send({ id, name, given })
    return answered as Promise<Answer<H, Name>>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    await ended
  }
}

/** The worker's side: answers until its parent is gone, then closes what it has and ends. */
export function answerParent(handlers: Handlers, close: () => Promise<void> | void = () => {}): void {
  process.on('message', ({ id, name, given }: { id: number; name: string; given: never }) => {
    const reply = (answer: Reply): void => void process.send?.(answer)
    const handle = handlers[name]
    Promise.resolve()
      .then(() => handle?.(given))
      .then(
        ok => reply({ id, ok }),
        (error: unknown) =>
          reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
      .catch(() => {})
  })
  process.once('disconnect', () => {
    void Promise.resolve(close()).finally(() => process.exit(0))
  })
}
