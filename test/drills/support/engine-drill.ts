import { setTimeout as delay } from 'node:timers/promises'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Log } from '@warder/contract'
import { createSoftHsmToken } from '@warder/hsm-pkcs11'
import { startSupervisor, type Supervisor } from '../../../daemon/src/hsm/supervisor.ts'
import { type Act, countAcknowledged } from './acts.ts'
import { checkJournal, unrecordedSigns } from './check-journal.ts'
import { ChildProgram } from './child-program.ts'
import type { Order, Word } from './engine-orders.ts'

const program = fileURLToPath(new URL('../engine-child.ts', import.meta.url))

/** A round is killed this long after its load has begun, at most; or, one in five, after it began to open. */
const loadMs = 250
const startMs = 150

/** Kills one engine on one directory again and again, and holds each next one to what the ones before acknowledged. */
export class EngineDrill {
  readonly #dir: string
  readonly #random: () => number
  /** All acts in the order they were acknowledged. */
  readonly #acts: Act[] = []
  /** The last of them, which no later engine has been asked for yet. */
  #unchecked: Act[] = []
  #initialised = false
  #supervisor: Supervisor | undefined
  readonly lost: string[] = []
  kills = 0
  startKills = 0
  settled = 0
  torn = 0

  constructor(dir: string, random: () => number) {
    this.#dir = dir
    this.#random = random
  }

  get acknowledged(): number {
    return countAcknowledged(this.#acts)
  }

  /** The HSM hosts go on through all kills, as they do in production: it is the engine that is killed. */
  async start(log: Log): Promise<void> {
    await mkdir(join(this.#dir, 'run'), { mode: 0o700 })
    const config = await createSoftHsmToken(join(this.#dir, 'hsm'))
    const plugin = { specifier: '@warder/hsm-pkcs11', config }
    this.#supervisor = await startSupervisor(
      { runDir: join(this.#dir, 'run'), hosts: 1, watchdogMs: 10_000, plugin },
      log,
    )
  }

  async stop(): Promise<void> {
    await this.#supervisor?.[Symbol.asyncDispose]()
  }

  async run(kills: number): Promise<void> {
    for (let round = 0; round < kills; round++)
      await this.#round(new ChildProgram<Order, Word>(program, this.#dir), `${round}`)
  }

  /** One more start, which is not killed, looks at all there is. */
  async checkEverything(): Promise<void> {
    const engine = new ChildProgram<Order, Word>(program, this.#dir)
    engine.order({ task: 'check', round: 'end', initialise: !this.#initialised, acts: this.#acts })
    await engine.end()
    this.#takeLost(engine)
    const facts = await checkJournal(join(this.#dir, 'journal'))
    this.settled = facts.settled
    const signs = this.#acts.flatMap(act => (act.act === 'sign' ? [act.request] : []))
    this.lost.push(...unrecordedSigns(signs, facts).map(request => `the journal has no record of signature ${request}`))
    if (facts.open > 0) this.lost.push(`${facts.open} intents were left open`)
  }

  async #round(engine: ChildProgram<Order, Word>, round: string): Promise<void> {
    engine.order({ task: 'load', round, initialise: !this.#initialised, acts: this.#unchecked })
    const whileStarting = this.#random() < 0.2
    await engine.says(whileStarting ? 'opening' : 'loading')
    // the moment of the kill is what is drawn here; nothing is waited for
    await delay(this.#random() * (whileStarting ? startMs : loadMs))
    await engine.kill()
    this.kills++
    if (!engine.has('loading')) this.startKills++
    if (engine.has('open')) this.#initialised = true
    if (engine.has('checked')) this.#unchecked = []
    this.#takeLost(engine)

    const acts = engine.words.flatMap(word => (word.word === 'told' ? [word.act] : []))
    this.#acts.push(...acts)
    this.#unchecked.push(...acts)
    const facts = await checkJournal(join(this.#dir, 'journal'))
    if (facts.tail > 0) this.torn++
    const signs = acts.flatMap(act => (act.act === 'sign' ? [act.request] : []))
    this.lost.push(...facts.breaches.map(breach => `round ${round}: ${breach}`))
    this.lost.push(...unrecordedSigns(signs, facts).map(request => `round ${round}: signature ${request} not recorded`))
  }

  #takeLost(engine: ChildProgram<Order, Word>): void {
    for (const word of engine.words) if (word.word === 'checked') this.lost.push(...word.lost)
  }
}
