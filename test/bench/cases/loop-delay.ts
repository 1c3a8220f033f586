import { until } from '../../support/until.ts'
import type { BenchAppliance, Probed } from '../bench-appliance.ts'
import { extraOf, type Figure, type Group, type Subject } from '../figure.ts'
import type { Parties } from '../parties.ts'
import type { Target } from '../servers/client.ts'
import { overHttp } from '../window.ts'
import { itemOf, keyName, workloads } from '../workloads.ts'

const [p256] = workloads
const path = '/v1/spaces/default/keys'

/** How long the API process keeps others waiting: while it is busy, and while the token does not answer for `hangMs`. */
export function loopDelay(parties: Parties, hangMs: number): Group {
  const figure = (id: string, unit: string, of: string, name: string, note: string): Figure => ({
    id,
    unit,
    subjects: [of],
    value: round => extraOf(round, of, name),
    quick: true,
    note,
  })
  const load = '64 callers sign with P-256 while RSA-4096 keys are made one after another'
  const hang = `all HSM hosts stopped for ${hangMs / 1000} s under the same load`
  const onProcessor = 'stretches the event loop computed between timers of 1 ms, on the processor'
  return {
    title: 'event loop',
    subjects: [underLoad(parties), hanging(parties, hangMs)],
    figures: [
      figure('loop.load.p99_ms', 'ms', 'loop.load', 'busyP99Ms', `${load}; ${onProcessor}`),
      figure(
        'loop.load.clock_p99_ms',
        'ms',
        'loop.load',
        'latenessP99Ms',
        `${load}; lateness of timers of 1 ms by the clock`,
      ),
      figure('loop.hang.p99_ms', 'ms', 'loop.hang', 'busyP99Ms', `${hang}; ${onProcessor}`),
      figure(
        'loop.hang.clock_p99_ms',
        'ms',
        'loop.hang',
        'latenessP99Ms',
        `${hang}; lateness of timers of 1 ms by the clock`,
      ),
      figure('loop.hang.reads_p99_ms', 'ms', 'loop.hang', 'readsP99Ms', `${hang}; GET of a key by 4 other callers`),
    ],
  }
}

const extraFrom = ({ busyP99Ms, latenessP99Ms }: Probed): Record<string, number> => ({ busyP99Ms, latenessP99Ms })

async function signTarget({ port, ready, apiKey }: BenchAppliance): Promise<Target> {
  if (p256 === undefined) throw new Error('there is no such workload')
  const paths = [`${path}/${keyName(p256, 'resident')}:sign`] as const
  return { port, ca: ready.ca, method: 'POST', paths, authorization: apiKey, body: JSON.stringify(itemOf(p256)) }
}

async function prepare(parties: Parties): Promise<void> {
  if (p256 === undefined) throw new Error('there is no such workload')
  const { admin } = await parties.appliance()
  const name = keyName(p256, 'resident')
  const { status } = await admin.send({ path: `${path}/${name}` })
  if (status === 404) await admin.post(path, { name, algorithm: p256.algorithm, custody: 'resident' })
}

let keysMade = 0

function underLoad(parties: Parties): Subject {
  return {
    id: 'loop.load',
    cold: true,
    prepare: () => prepare(parties),
    async run(ms) {
      const appliance = await parties.appliance()
      const worker = await parties.client()
      let over = false
      const making = (async () => {
        while (!over) await appliance.admin.post(path, { name: `loop-${keysMade++}`, algorithm: 'RSA-4096' })
      })()
      try {
        await appliance.probed()
        const spenders = { api: [appliance.pid], hosts: appliance.hostPids }
        const opening = { target: await signTarget(appliance), concurrency: 64 }
        // long enough for some keys to come of it
        const sample = await overHttp({ worker, spenders, ms: Math.max(ms, 2000) }, opening)
        return { ...sample, extra: extraFrom(await appliance.probed()) }
      } finally {
        over = true
        await making
      }
    },
  }
}

function hanging(parties: Parties, hangMs: number): Subject {
  return {
    id: 'loop.hang',
    cold: true,
    prepare: () => prepare(parties),
    async run() {
      const appliance = await parties.appliance()
      const [signer, reader] = [await parties.client(), await parties.client('reader')]
      const target = await signTarget(appliance)
      const read: Target = { ...target, method: 'GET', paths: [target.paths[0].replace(':sign', '')] }
      const { body: _, ...withoutBody } = read
      await signer.ask('open', { target, concurrency: 64, lenient: true })
      await appliance.probed()
      const held = holdHosts(appliance, hangMs)
      try {
        const signing = signer.ask('run', { ms: hangMs })
        const sample = await overHttp(
          { worker: reader, spenders: { api: [appliance.pid] }, ms: hangMs - 200 },
          { target: withoutBody, concurrency: 4 },
        )
        const probed = await appliance.probed()
        await held
        await signing
        return { ...sample, extra: { ...extraFrom(probed), readsP99Ms: sample.p99Ms } }
      } finally {
        await held
        await signer.ask('close', undefined)
        const { admin } = appliance
        const sign = { method: 'POST', path: target.paths[0], body: target.body } as const
        await until('the token to answer again', async () => (await admin.send(sign)).status === 200, 60_000)
      }
    },
  }
}

/** Stops every HSM host, those too that the watchdog starts in the place of others, and lets those go on that are left. */
async function holdHosts(appliance: BenchAppliance, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    signalAll(appliance.hostPids, 'SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  signalAll(appliance.hostPids, 'SIGCONT')
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // ended meanwhile
    }
  }
}
