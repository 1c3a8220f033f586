import { parseArgs } from 'node:util'
import { soak } from '../drills/support/soak.ts'
import { startAppliance } from '../support/appliance.ts'

// Signs over HTTPS while an HSM host is killed every second, each third time all, looks at every signature with node:crypto
// and at every request in the journal: `node --import tsx --conditions warder-source test/bench/soak.ts [--operations N]
// [--every MS]`. Ends with 1 when a signature was wrong, or a request stands in the journal twice or otherwise than answered.

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '100000' },
    every: { type: 'string', default: '1000' },
  },
})
const [operations, killEveryMs] = [Number(values.operations), Number(values.every)]
if (!Number.isInteger(operations) || operations < 1) throw new TypeError('--operations is a number of signatures')
if (!Number.isInteger(killEveryMs) || killEveryMs < 1) throw new TypeError('--every is a number of milliseconds')

const appliance = await startAppliance()
try {
  const { requests, seconds, kills, outages, right, wrong, codes, duplicated, disagreeing, back } = await soak(
    appliance,
    {
      operations,
      killEveryMs,
    },
  )
  const quantile = (q: number): number => back[Math.min(back.length - 1, Math.floor(q * back.length))] ?? NaN
  console.log(`${requests} requests in ${seconds.toFixed(1)} s, ${kills} kills, ${outages} of them left no host`)
  console.log(`${right} signatures right, ${wrong} wrong; refused: ${JSON.stringify(codes)}`)
  console.log(`${duplicated} requests twice in the journal, ${disagreeing} otherwise than they were answered`)
  const within = `median ${quantile(0.5)} ms, 90% ${quantile(0.9)} ms, at most ${back.at(-1)} ms`
  console.log(`from a host that is ready to the next signature, ${back.length} times: ${within}`)
  if (wrong + duplicated + disagreeing > 0) process.exitCode = 1
} finally {
  await appliance[Symbol.asyncDispose]()
}
