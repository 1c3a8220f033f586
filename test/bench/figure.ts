import { type Estimate, estimate } from './rounds.ts'

/**
 * Glossary
 * - *subject*: something that can be put under load: an operation of the appliance at one concurrency, the raw loop, an echo.
 * - *window*: one subject under load for a fixed time. *sample*: what was seen in it.
 * - *round*: one window of every subject. *figure*: what is told in the end, out of each round's samples.
 */
export interface Sample {
  /** Operations per second; of a batch each item is one. */
  readonly rate: number
  /** Of one request, batch or not. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Microseconds of processor per operation, by the process that spent them. */
  readonly cpuMicros: Readonly<Record<string, number>>
  /** Of the API process, where it has a part: how late its timers were, 99 of 100. */
  readonly loopP99Ms?: number
  readonly residentMiB?: number
  /** What only this subject tells. */
  readonly extra?: Readonly<Record<string, number>>
}

export interface Subject {
  readonly id: string
  /** It is not run before its first window: what it tells does not depend on that. */
  readonly cold?: true
  /** Once, before its first window. */
  prepare(): Promise<void>
  run(ms: number): Promise<Sample>
}

export type Round = Readonly<Record<string, Sample>>

export interface Figure {
  readonly id: string
  readonly unit: string
  /** Ids of the subjects it is made of; the first is the one whose details are told. */
  readonly subjects: readonly [string, ...string[]]
  /** What {@link ratio} is to. */
  readonly against?: string
  value(round: Round): number
  ratio?(round: Round): number
  /** Part of a quick run. */
  readonly quick?: true
  readonly note?: string
}

/** Figures that are measured in the same rounds, and what they are made of. */
export interface Group {
  readonly title: string
  readonly subjects: readonly Subject[]
  readonly figures: readonly Figure[]
}

/** One figure as it is written to JSON. */
export interface Result {
  readonly id: string
  readonly value: number
  readonly unit: string
  readonly against: string | null
  readonly ratio: number | null
  /** Of the ratio where there is one, else of the value. */
  readonly low: number
  readonly high: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly cpuMicros?: Readonly<Record<string, number>>
  readonly loopP99Ms?: number
  readonly residentMiB?: number
  /** What a reader has to know of how this one was measured. */
  readonly note?: string
}

export const sampleOf = (round: Round, id: string): Sample => {
  const sample = round[id]
  if (sample === undefined) throw new Error(`${id} was not measured`)
  return sample
}

/** What a subject tells besides. */
export function extraOf(round: Round, id: string, name: string): number {
  const value = sampleOf(round, id).extra?.[name]
  if (value === undefined) throw new Error(`${id} does not tell ${name}`)
  return value
}

/** Operations per second of `id`, and the share it has of `against`'s. */
export function throughput(id: string, subject: string, against: string | undefined, quick: boolean): Figure {
  return {
    id,
    unit: 'ops/s',
    subjects: against === undefined ? [subject] : [subject, against],
    value: round => sampleOf(round, subject).rate,
    ...(against !== undefined && {
      against,
      ratio: round => sampleOf(round, subject).rate / sampleOf(round, against).rate,
    }),
    ...(quick && { quick: true as const }),
  }
}

export function resultOf(figure: Figure, rounds: readonly Round[]): Result {
  const { id, unit, subjects, against, ratio } = figure
  const value = estimate(rounds.map(round => figure.value(round)))
  const share: Estimate | undefined = ratio && estimate(rounds.map(round => ratio(round)))
  const { low, high } = share ?? value
  const told = { id, value: value.value, unit, against: against ?? null, ratio: share?.value ?? null, low, high }
  const details = detailsOf(rounds.map(round => sampleOf(round, subjects[0])))
  return { ...told, ...details, ...(figure.note !== undefined && { note: figure.note }) }
}

function detailsOf(samples: readonly Sample[]): Partial<Result> {
  const median = (of: (sample: Sample) => number): number => estimate(samples.map(of)).value
  const first = samples[0]
  const processes = Object.keys(first?.cpuMicros ?? {})
  return {
    p50Ms: median(({ p50Ms }) => p50Ms),
    p99Ms: median(({ p99Ms }) => p99Ms),
    cpuMicros: Object.fromEntries(processes.map(name => [name, median(({ cpuMicros }) => cpuMicros[name] ?? 0)])),
    ...(first?.loopP99Ms !== undefined && { loopP99Ms: median(({ loopP99Ms }) => loopP99Ms ?? 0) }),
    ...(first?.residentMiB !== undefined && { residentMiB: median(({ residentMiB }) => residentMiB ?? 0) }),
  }
}
