import { cpuMs } from './cpu.ts'
import type { Sample } from './figure.ts'
import type { Load } from './load.ts'
import type { client, Opening } from './servers/client.ts'
import type { Worker } from './worker.ts'

/** Which processes a subject uses, by the name their processor time is told under. */
export type Spenders = Readonly<Record<string, readonly number[]>>

/** Runs a load and says what each process spent on it. `each`: operations per request. */
export async function watched(spenders: Spenders, each: number, run: () => Promise<Load>): Promise<Sample> {
  const spent = (): readonly (readonly [string, number])[] =>
    Object.entries(spenders).map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + cpuMs(pid), 0)])
  const before = new Map(spent())
  const load = await run()
  const operations = load.operations * each
  if (operations === 0) throw new Error('nothing was done in a window')
  const cpuMicros = spent().map(([name, ms]) => [name, ((ms - (before.get(name) ?? 0)) * 1000) / operations] as const)
  return {
    rate: operations / load.seconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    cpuMicros: Object.fromEntries(cpuMicros),
  }
}

/** Two loops that ran side by side, as one. */
export function together(loads: readonly Load[]): Load {
  const seconds = Math.max(...loads.map(load => load.seconds))
  const mean = (of: (load: Load) => number): number => loads.reduce((sum, load) => sum + of(load), 0) / loads.length
  return {
    operations: loads.reduce((sum, { operations, seconds: took }) => sum + (operations * seconds) / took, 0),
    seconds,
    p50Ms: mean(({ p50Ms }) => p50Ms),
    p99Ms: mean(({ p99Ms }) => p99Ms),
    refused: 0,
  }
}

/** Asks over HTTP for a time; connecting comes before and is not counted. */
export async function overHttp(
  { worker, spenders, each = 1, ms }: { worker: Worker<typeof client>; spenders: Spenders; each?: number; ms: number },
  opening: Opening,
): Promise<Sample> {
  await worker.ask('open', opening)
  try {
    return await watched({ ...spenders, client: [worker.pid] }, each, async () => {
      const load = await worker.ask('run', { ms })
      if (load.refused > 0 && opening.lenient !== true) {
        throw new Error(`${opening.target.paths[0]}: ${load.refused} requests were refused`)
      }
      return load
    })
  } finally {
    await worker.ask('close', undefined)
  }
}
