import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Appliance, newWorkDirectory } from '../support/appliance.ts'
import { familyOf, gone } from '../support/family.ts'
import { recordsOf } from '../support/journal.ts'
import { until } from '../support/until.ts'

interface Answered {
  readonly requestId: string
  readonly status: number
  readonly code: string | undefined
  readonly ms: number
}

const keys = '/v1/spaces/default/keys'
/** Calls of each kind of key that are always under way. */
const callers = 8
/** From the fault to the answers of the calls it struck, and to the first that goes well again. Milliseconds. */
const answerMs = 2000
const recoveryMs = 10_000

describe('an appliance whose HSM hosts fail', function () {
  this.timeout(120_000)
  let appliance: Appliance
  before(async () => {
    const work = await newWorkDirectory()
    appliance = new Appliance(work, {
      nodeOptions: ['--import', new URL('../support/loop-delay.mjs', import.meta.url).href],
      env: { LOOP_DELAY_FILE: join(work, 'delay') },
    })
    await appliance.start()
    await appliance.admin.post(keys, { name: 'resident', algorithm: 'RSA-3072', custody: 'resident' })
    await appliance.admin.post(keys, { name: 'sealed', algorithm: 'P-256', custody: 'sealed' })
    await bothReady()
  })
  after(() => appliance[Symbol.asyncDispose]())

  /** The hosts that are ready, by the supervisor's own file. */
  function readyHosts(): number[] {
    const { hosts } = JSON.parse(readFileSync(join(appliance.dir, 'run', 'hsm-status.json'), 'utf8')) as {
      hosts: readonly { pid: number | null; state: string }[]
    }
    return hosts.flatMap(({ pid, state }) => (pid !== null && state === 'ready' ? [pid] : []))
  }

  /** Both hosts, once they are ready and the daemon is connected to them. */
  async function bothReady(): Promise<readonly [number, number]> {
    await until('two HSM hosts', async () => {
      const { text } = await appliance.admin.send({ path: '/readyz?verbose' })
      return readyHosts().length === 2 && text.includes('2 of 2 HSM hosts connected')
    })
    const [first = 0, second = 0] = readyHosts()
    return [first, second]
  }

  /** The longest stretch the daemon's event loop computed since it was asked last, in milliseconds. */
  async function longestDelay(): Promise<number> {
    const file = join(appliance.work, `delay.${appliance.pid}`)
    rmSync(file, { force: true })
    process.kill(appliance.pid, 'SIGUSR2')
    await until('the measurement', () => existsSync(file))
    return Number(readFileSync(file, 'utf8'))
  }

  async function sign(name: string): Promise<Answered> {
    const requestId = randomBytes(8).toString('hex')
    const began = performance.now()
    const { status, body } = await appliance.admin.send({
      method: 'POST',
      path: `${keys}/${name}:sign`,
      body: { input: 'AAAA' },
      headers: { 'x-request-id': requestId },
    })
    return { requestId, status, code: status === 200 ? undefined : body.code, ms: performance.now() - began }
  }

  interface Drill {
    readonly answers: readonly Answered[]
    /** From the fault to the first answer after all the failed ones that is well, for each kind of key; milliseconds. */
    readonly recovered: number
    readonly delay: number
  }

  /** Keeps calls of both kinds under way, lets `fault` strike among them, and goes on until both are served again. */
  async function underLoad(fault: () => void): Promise<Drill> {
    const answers: Answered[] = []
    const well: Record<string, number> = { resident: 0, sealed: 0 }
    let enough = false
    const call = async (name: string): Promise<void> => {
      while (!enough) {
        const answer = await sign(name)
        answers.push(answer)
        if (answer.status === 200) well[name] = (well[name] ?? 0) + 1
        // As a client does that was told Retry-After, if a hasty one.
        else await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
    const calling = Object.keys(well).flatMap(name => Array.from({ length: callers }, () => call(name)))
    try {
      await until('calls under way', () => Object.values(well).every(count => count > 20))
      await longestDelay()
      const struck = performance.now()
      fault()
      await until('the calls it struck', () => answers.some(({ status }) => status !== 200))
      Object.assign(well, { resident: 0, sealed: 0 })
      await until('service again', () => Object.values(well).every(count => count > 0))
      const recovered = performance.now() - struck
      await bothReady()
      Object.assign(well, { resident: 0, sealed: 0 })
      await until('full service', () => Object.values(well).every(count => count > 20))
      return { answers, recovered, delay: await longestDelay() }
    } finally {
      enough = true
      await Promise.all(calling)
    }
  }

  const failed = (answers: readonly Answered[]): readonly Answered[] => answers.filter(({ status }) => status !== 200)

  /** Every call has an answer: done, or one of these codes with 503, within this time; and each stands in the journal. */
  async function expectAnswered(
    answers: readonly Answered[],
    codes: readonly string[],
    withinMs: number,
  ): Promise<void> {
    for (const { status, code, ms } of failed(answers)) {
      expect(status).to.equal(503)
      expect(code).to.be.oneOf([...codes])
      expect(ms).to.be.below(withinMs)
    }
    const results = new Map(recordsOf(await appliance.journal()).map(each => [each.correlation, each.result]))
    for (const { requestId, code } of answers) expect(results.get(requestId)).to.equal(code ?? 'ok')
  }

  async function expectNoDelay(drill: () => Promise<Drill>): Promise<void> {
    const { delay } = await drill()
    expect(delay).to.be.below(50)
  }

  it('one host killed in the middle of calls: those it had fail at once, the other serves on', () =>
    expectNoDelay(async () => {
      const [victim] = await bothReady()
      const drill = await underLoad(() => process.kill(victim, 'SIGKILL'))
      await expectAnswered(drill.answers, ['hsm-unavailable'], answerMs)
      expect(failed(drill.answers).length).to.be.within(1, 2 * callers)
      expect(drill.recovered).to.be.below(answerMs)
      expect(await bothReady()).to.not.include(victim)
      return drill
    }))

  it('both hosts killed in the middle of calls: 503 within 2 s, service again within 10 s', () =>
    expectNoDelay(async () => {
      const victims = await bothReady()
      const drill = await underLoad(() => victims.forEach(pid => process.kill(pid, 'SIGKILL')))
      await expectAnswered(drill.answers, ['hsm-unavailable'], answerMs)
      expect(drill.recovered).to.be.below(recoveryMs)
      return drill
    }))

  it('both hosts hung: calls fail, reads stay fast, the watchdog brings service back', () =>
    expectNoDelay(async () => {
      const victims = await bothReady()
      const reads: Promise<number>[] = []
      const read = async (): Promise<number> => {
        const began = performance.now()
        await appliance.admin.get(`${keys}/resident`)
        return performance.now() - began
      }
      const drill = await underLoad(() => {
        for (const pid of victims) process.kill(pid, 'SIGSTOP')
        for (let n = 0; n < 20; n++) reads.push(read())
      })
      for (const ms of await Promise.all(reads)) expect(ms).to.be.below(1000)
      await expectAnswered(drill.answers, ['hsm-unavailable', 'hsm-timeout'], 6000)
      expect(drill.recovered).to.be.below(recoveryMs)
      expect(await bothReady()).to.not.include.oneOf([...victims])
      return drill
    }))

  it('the supervisor killed: its hosts end by themselves, and all of them come back', async () => {
    const hosts = await bothReady()
    const family = appliance.family()
    const supervisor = family.find(
      ({ pid }) => familyOf(pid).some(each => hosts.includes(each.pid)) && pid !== appliance.pid,
    )
    const struck = familyOf(supervisor?.pid ?? 0)
    expect(struck.map(({ pid }) => pid)).to.include.members([...hosts])
    process.kill(supervisor?.pid ?? 0, 'SIGKILL')
    await gone(struck)
    await until('service again', async () => (await sign('sealed')).status === 200)
    await until('the hosts of another supervisor', () => {
      const now = readyHosts()
      return now.length === 2 && !now.some(pid => hosts.includes(pid))
    })
    expect((await sign('resident')).status).to.equal(200)
    expect(appliance.logged).to.include('the HSM supervisor ended; starting it again')
  })

  it('after all of that it is ready', async () => {
    await bothReady()
    expect((await appliance.admin.send({ path: '/readyz' })).status).to.equal(200)
  })
})
