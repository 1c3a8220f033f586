import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BenchAppliance } from './bench-appliance.ts'
import { cpuMs, threadCpuMs } from './cpu.ts'
import { estimate, orderOf } from './rounds.ts'
import type { client } from './servers/client.ts'
import { Worker } from './worker.ts'
import { itemOf, keyName, workloads } from './workloads.ts'

// What an operation over REST takes of the processor in a whole appliance, and how many share a write of the journal:
// `node --import tsx test/bench/rest-cost.ts [CHECKOUT]... [--workload ID] [--callers N] [--rounds N] [--ms N] [--warm N]`.
// Checkouts that are named, as they were built, take turns within the same seconds. `--warm`: operations before the first round.

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workload: { type: 'string', default: 'p256' },
    callers: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '15' },
    ms: { type: 'string', default: '400' },
    warm: { type: 'string', default: '20000' },
  },
})
const checkouts = positionals.length > 0 ? positionals : ['.']
const workload = workloads.find(({ id }) => id === flags.workload)
if (workload === undefined) throw new Error(`--workload is one of ${workloads.map(({ id }) => id).join(', ')}`)
const name = keyName(workload, 'resident')
const body = JSON.stringify(itemOf(workload))
const work = await mkdtemp(join(tmpdir(), 'warder-rest-cost-'))
const parties: AsyncDisposable[] = []

/** Of each batch that was written to a segment of the journal after its first `bytes`, how many records it has. */
function batchesAfter(segment: string, bytes: number): readonly number[] {
  const text = readFileSync(segment, 'latin1').slice(bytes)
  return [...text.matchAll(/^commit \d+ (\d+) /gm)].map(([, count]) => Number(count))
}

async function subject(checkout: string, index: number) {
  const root = resolve(checkout)
  const appliance = await BenchAppliance.start(join(work, String(index)), [], { root, probe: false })
  parties.push(appliance)
  const asker = new Worker<typeof client>('servers/client.ts', {})
  parties.push(asker)
  const { admin, port, ready, apiKey, pid, hostPids } = appliance
  await admin.post('/v1/spaces/default/keys', { name, algorithm: workload?.algorithm, custody: 'resident' })
  const paths = [`/v1/spaces/default/keys/${name}:${workload?.action}`] as const
  const target = { port, ca: ready.ca, method: 'POST', paths, authorization: apiKey, body } as const
  const spent = (): Readonly<Record<string, number>> => ({
    'main thread': threadCpuMs(pid, pid),
    api: cpuMs(pid),
    hosts: hostPids.reduce((sum, each) => sum + cpuMs(each), 0),
    client: cpuMs(asker.pid),
  })

  /** Microseconds by who spent them, and records in a batch of the journal. */
  async function run(ms: number): Promise<{ readonly operations: number; readonly seen: Map<string, number> }> {
    await asker.ask('open', { target, concurrency: Number(flags.callers) })
    const journal = join(appliance.dir, 'appliance', 'data', 'journal')
    const segment = join(
      journal,
      readdirSync(journal)
        .filter(file => file.endsWith('.log'))
        .toSorted()
        .at(-1) ?? '',
    )
    const { size } = statSync(segment)
    const before = spent()
    const { operations } = await asker.ask('run', { ms })
    const after = spent()
    await asker.ask('close', undefined)
    const seen = new Map(
      Object.keys(after).map(who => [who, (((after[who] ?? 0) - (before[who] ?? 0)) * 1000) / operations]),
    )
    const batches = batchesAfter(segment, size)
    return { operations, seen: seen.set('records in a batch', operations / Math.max(1, batches.length)) }
  }
  return { checkout, run, rounds: [] as Map<string, number>[] }
}

try {
  const subjects: Awaited<ReturnType<typeof subject>>[] = []
  for (const [index, checkout] of checkouts.entries()) {
    const each = await subject(checkout, index)
    for (let done = 0; done < Number(flags.warm);) done += (await each.run(1000)).operations
    subjects.push(each)
  }
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { run, rounds } of orderOf(subjects, round)) rounds.push((await run(Number(flags.ms))).seen)
  }
  const [first] = subjects
  for (const { checkout, rounds } of subjects) {
    for (const what of rounds[0]?.keys() ?? []) {
      const values = rounds.map(seen => seen.get(what) ?? Number.NaN)
      const ratio = estimate(values.map((value, round) => value / (first?.rounds[round]?.get(what) ?? Number.NaN)))
      console.log(
        `${what.padEnd(18)} ${estimate(values).value.toFixed(1).padStart(7)}, least ${Math.min(...values).toFixed(1)}, ` +
          `${ratio.value.toFixed(3)} (${ratio.low.toFixed(3)} – ${ratio.high.toFixed(3)}) of the first  ${checkout}`,
      )
    }
  }
} finally {
  for (const party of parties.reverse()) await party[Symbol.asyncDispose]()
  await rm(work, { recursive: true, force: true })
}
