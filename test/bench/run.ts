import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { loopDelay } from './cases/loop-delay.ts'
import { manyKeys } from './cases/many-keys.ts'
import { operationGroups } from './cases/operations.ts'
import { type Figure, type Group, resultOf, type Result, type Round, type Sample, type Subject } from './figure.ts'
import { describeMachine } from './machine.ts'
import { Parties } from './parties.ts'
import { placed, type Report, toMarkdown } from './report.ts'
import { orderOf } from './rounds.ts'

// Measures the whole product, side by side with what it is made of: `npm run bench -- [--json FILE] [--markdown FILE]
// [--only PATTERN] [--goals] [--quick] [--profile DIR] [--rounds N] [--ms N]`; docs/benchmarks.md says what all of it means.

const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    markdown: { type: 'string' },
    only: { type: 'string' },
    goals: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    rounds: { type: 'string' },
    ms: { type: 'string' },
  },
})
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 7))
const windowMs = Number(flags.ms ?? (flags.quick ? 300 : 1000))
/** Until what is run is in every cache. */
const warmUpMs = flags.quick ? 300 : 4000
/** Until V8 has optimised what serves an operation: before that the API process takes up to five times as much for it. */
const warmUpOperations = 20_000
const mostWarmUpMs = flags.quick ? 1500 : 12_000
const only = flags.only === undefined ? undefined : new RegExp(flags.only)
const wanted = ({ id, quick }: Pick<Figure, 'id' | 'quick'>): boolean =>
  only === undefined ? !(flags.goals || flags.quick) || quick === true : only.test(id)

/** Operations that each side has done: what its subjects run is mostly the same code. */
const done = new Map<string, number>()
const sideOf = (id: string): string => /^(?:echo\.)?[^.]+/.exec(id)?.[0] ?? id

async function warmUp({ id, run }: Subject): Promise<void> {
  const side = sideOf(id)
  const end = performance.now() + mostWarmUpMs
  let left = warmUpOperations - (done.get(side) ?? 0)
  do {
    const { rate } = await run(warmUpMs)
    left -= (rate * warmUpMs) / 1000
  } while (left > 0 && performance.now() < end)
  done.set(side, warmUpOperations - left)
}

async function measure({ title, subjects, figures }: Group): Promise<readonly Result[]> {
  const asked = figures.filter(wanted)
  const needed = new Set(asked.flatMap(figure => figure.subjects))
  const taking = subjects.filter(({ id }) => needed.has(id))
  if (taking.length === 0) return []
  console.error(`${title}: ${taking.map(({ id }) => id).join(', ')}`)
  for (const subject of taking) {
    await subject.prepare()
    if (subject.cold !== true) await warmUp(subject)
  }
  const seen: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const samples: Record<string, Sample> = {}
    for (const subject of orderOf(taking, round)) samples[subject.id] = await subject.run(windowMs)
    seen.push(samples)
  }
  return asked.map(figure => resultOf(figure, seen))
}

const machine = describeMachine()
if (flags.profile !== undefined) await mkdir(flags.profile, { recursive: true })
const profiling = flags.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', flags.profile]
const parties = await Parties.gather(profiling)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void parties[Symbol.asyncDispose]().finally(() => process.exit(130)))
}
try {
  const results: Result[] = []
  const groups = [
    ...operationGroups(parties),
    loopDelay(parties, flags.quick ? 1000 : 3000),
    manyKeys(parties, flags.quick ? 10_000 : 100_000),
  ]
  for (const group of groups) {
    try {
      results.push(...(await measure(group)))
    } catch (error) {
      // what was measured is told all the same
      console.error(`${group.title}: not measured`, error)
      process.exitCode = 1
    }
  }
  const report: Report = { machine, rounds, windowMs, results }
  const markdown = toMarkdown(report)
  process.stdout.write(markdown)
  if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (flags.markdown !== undefined) {
    const before = await readFile(flags.markdown, 'utf8').catch(() => undefined)
    await writeFile(flags.markdown, placed(before, report))
  }
} finally {
  await parties[Symbol.asyncDispose]()
}
