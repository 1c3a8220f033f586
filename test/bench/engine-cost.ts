import { resolve } from 'node:path'
import type { engineAlone } from './servers/engine-alone.ts'
import { estimate, quantile } from './rounds.ts'
import { Worker } from './worker.ts'

// What the engine alone costs: storage and journal on a real disk, and an HSM that answers at once and knows nothing. A line
// for each checkout that is named, as it was built, measured in turn within the same seconds: the median of the rounds, the
// least and the greatest, and what it is of the first. `node --import tsx --conditions warder-source test/bench/engine-cost.ts [CHECKOUT]...`; ROUNDS, MS
// and CALLERS of the environment say how long, GROUP how many answers the HSM gives at a time (all, unless told).

const rounds = Number(process.env['ROUNDS'] ?? 7)
const ms = Number(process.env['MS'] ?? 1000)
const callers = Number(process.env['CALLERS'] ?? 64)
const group = Number(process.env['GROUP'] ?? 1e9)
const checkouts = process.argv.length > 2 ? process.argv.slice(2) : ['.']

const engines = checkouts.map(
  checkout => new Worker<typeof engineAlone>('servers/engine-alone.ts', { args: [resolve(checkout), String(group)] }),
)
try {
  for (const work of ['sign', 'batch', 'encrypt'] as const) {
    for (const engine of engines) await engine.ask('run', { work, callers, ms: 2 * ms })
    const seen = engines.map((): number[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const [index, engine] of engines.entries()) seen[index]?.push(await engine.ask('run', { work, callers, ms }))
    }
    for (const [index, values] of seen.entries()) {
      const sorted = values.toSorted((a, b) => a - b)
      const [median, least, most] = [0.5, 0, 1].map(q => quantile(sorted, q).toFixed(1))
      const { value, low, high } = estimate(values.map((spent, round) => spent / (seen[0]?.[round] ?? Number.NaN)))
      const share = `${value.toFixed(3)} (${low.toFixed(3)} – ${high.toFixed(3)}) of the first`
      console.log(`${work.padEnd(8)} ${median} µs (${least} – ${most}), ${share}  ${checkouts[index]}`)
    }
  }
} finally {
  for (const engine of engines) await engine[Symbol.asyncDispose]()
}
