import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { type Act, countAcknowledged } from './acts.ts'
import { checkActs, checkEverything } from './check.ts'
import { checkJournal, unrecordedSigns } from './check-journal.ts'
import { DaemonProcess, runWarder } from './daemon-process.ts'
import { httpSubject } from './http-subject.ts'
import { loadWithoutEnd, prepareLoad } from './load.ts'
import { hasEnded } from './process-tree.ts'
import { until } from './until.ts'

/** A round is killed this long after its load has begun, at most. */
const loadMs = 800
/** How long what a killed daemon leaves running may take to end. */
const helpersMs = 5000

/** Kills a whole appliance again and again, and holds each next one to what the ones before acknowledged. */
export class DaemonDrill {
  readonly #dir: string
  readonly #random: () => number
  readonly #acts: Act[] = []
  #unchecked: readonly Act[] = []
  readonly lost: string[] = []
  kills = 0
  /** The longest that a helper of a killed daemon lived on, in milliseconds. */
  slowestEndMs = 0

  constructor(dir: string, random: () => number) {
    this.#dir = dir
    this.#random = random
  }

  get acknowledged(): number {
    return countAcknowledged(this.#acts)
  }

  async round(name: string): Promise<void> {
    const { daemon, ...access } = await DaemonProcess.start(this.#dir)
    const subject = httpSubject(access)
    const acts: Act[] = []
    const tell = (act: Act): void => void acts.push(act)
    let helpers: readonly number[] = []
    try {
      this.lost.push(...(await checkActs(subject, this.#unchecked)))
      await prepareLoad(subject, tell)
      await until('a supervisor and two hosts run', helpersMs, async () => (await daemon.helpers()).length >= 3)
      const lanes = loadWithoutEnd(subject, name, tell)
      // the moment of the kill is what is drawn here; nothing is waited for
      await Promise.race([delay(this.#random() * loadMs), ...lanes])
      helpers = await daemon.helpers()
      await daemon.kill()
      // an answer that was on its way counts
      await Promise.allSettled(lanes)
    } catch (error) {
      await daemon.stop()
      throw error
    } finally {
      subject[Symbol.dispose]()
    }
    this.kills++
    const killed = performance.now()
    await until('the supervisor and the hosts of a killed daemon are gone', helpersMs, async () =>
      (await Promise.all(helpers.map(hasEnded))).every(Boolean),
    )
    this.slowestEndMs = Math.max(this.slowestEndMs, performance.now() - killed)
    this.#acts.push(...acts)
    this.#unchecked = acts
    await this.#checkJournal(name, acts)
  }

  /** One more start, which is not killed, looks at all there is. */
  async checkEverything(): Promise<void> {
    const { daemon, ...access } = await DaemonProcess.start(this.#dir)
    const subject = httpSubject(access)
    try {
      this.lost.push(...(await checkActs(subject, this.#unchecked)))
      this.lost.push(...(await checkEverything(subject, this.#acts)))
    } finally {
      subject[Symbol.dispose]()
      const code = await daemon.stop()
      if (code !== 0) this.lost.push(`told to end, the daemon ended with ${code}`)
    }
    await this.#checkJournal('end', this.#acts)
  }

  async #checkJournal(round: string, acts: readonly Act[]): Promise<void> {
    const { code, output } = await runWarder(['audit', 'verify', '--dir', this.#dir])
    if (code !== 0 || !output.startsWith('VERIFIED')) this.lost.push(`round ${round}: audit verify says ${output}`)
    const facts = await checkJournal(join(this.#dir, 'data', 'journal'))
    const signs = acts.flatMap(act => (act.act === 'sign' ? [act.request] : []))
    this.lost.push(...facts.breaches.map(breach => `round ${round}: ${breach}`))
    this.lost.push(...unrecordedSigns(signs, facts).map(request => `round ${round}: signature ${request} not recorded`))
  }
}
