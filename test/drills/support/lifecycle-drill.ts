import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Log } from '@warder/contract'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { startSupervisor, type Supervisor } from '../../../daemon/src/hsm/supervisor.ts'
import { checkJournal } from './check-journal.ts'
import { ChildProgram } from './child-program.ts'
import { type Act, type Order, type Trace, tracesOf, type Word } from './lifecycle-orders.ts'

const program = fileURLToPath(new URL('../lifecycle-child.ts', import.meta.url))

/** A round is killed this long after its lanes have begun, at most. */
const loadMs = 400

/** Kills an engine in the middle of what changes keys, again and again, and holds each next one to what the one before said. */
export class LifecycleDrill {
  readonly #dir: string
  readonly #random: () => number
  #initialised = false
  #unchecked: readonly Trace[] = []
  #supervisor: Supervisor | undefined
  readonly wrong: string[] = []
  /** How often each act was under way when the kill came. */
  readonly interrupted: Record<Act['act'], number> = {
    rotate: 0,
    rollback: 0,
    destroy: 0,
    restore: 0,
    enable: 0,
    purge: 0,
    rootKey: 0,
  }
  kills = 0
  acknowledged = 0
  settled = 0

  constructor(dir: string, random: () => number) {
    this.#dir = dir
    this.#random = random
  }

  /** The HSM hosts go on through all kills, as they do in production: it is the engine that is killed. */
  async start(log: Log): Promise<void> {
    for (const name of ['run', 'journal']) await mkdir(join(this.#dir, name), { recursive: true, mode: 0o700 })
    const config = await createSoftHsmToken(join(this.#dir, 'hsm'))
    const plugin = { specifier: '@warder/hsm-pkcs11', config }
    const supervised = { runDir: join(this.#dir, 'run'), hosts: 1, watchdogMs: 10_000, plugin }
    this.#supervisor = await startSupervisor(supervised, log)
  }

  async stop(): Promise<void> {
    await this.#supervisor?.[Symbol.asyncDispose]()
  }

  async round(): Promise<void> {
    const engine = this.#engine('load')
    await engine.says('loading')
    // the moment of the kill is what is drawn here; nothing is waited for
    await delay(this.#random() * loadMs)
    await engine.kill()
    this.kills++
    this.#take(engine)
    this.#unchecked = tracesOf(engine.words)
    const begun = this.#unchecked.flatMap(trace =>
      trace.begun === undefined ? [] : [`${trace.lane} ${trace.begun.act}`],
    )
    // several keys that one lane was purging are one act
    for (const each of new Set(begun)) this.interrupted[each.split(' ')[1] as Act['act']]++
    this.acknowledged += engine.words.filter(({ word }) => word === 'done').length
    await this.#checkJournal()
  }

  /** One more start, which is not killed, sees the last round and the rotation of the root key to their ends. */
  async finish(): Promise<void> {
    const engine = this.#engine('check')
    await engine.end()
    this.#take(engine)
    const { open } = await this.#checkJournal()
    if (open > 0) this.wrong.push(`${open} intents were left open`)
  }

  #engine(task: Order['task']): ChildProgram<Order, Word> {
    const engine = new ChildProgram<Order, Word>(program, this.#dir)
    engine.order({ task, round: `${this.kills}`, initialise: !this.#initialised, traces: this.#unchecked })
    this.#initialised = true
    return engine
  }

  #take(engine: ChildProgram<Order, Word>): void {
    for (const word of engine.words)
      if (word.word === 'checked') this.wrong.push(...word.wrong.map(what => `round ${this.kills}: ${what}`))
  }

  async #checkJournal(): Promise<{ open: number }> {
    const { breaches, settled, open } = await checkJournal(join(this.#dir, 'journal'))
    this.settled = settled
    this.wrong.push(...breaches.map(breach => `round ${this.kills}: ${breach}`))
    return { open }
  }
}
