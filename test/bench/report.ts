import type { Result } from './figure.ts'
import { figureText } from './figure-text.ts'
import { goalRows } from './goals.ts'
import type { Machine } from './machine.ts'

export interface Report {
  readonly machine: Machine
  readonly rounds: number
  readonly windowMs: number
  readonly results: readonly Result[]
}

export const toMarkdown = (report: Report): string => `# Benchmark\n\n${told(report)}`

const marks = { begin: '<!-- measured: begin -->', end: '<!-- measured: end -->' } as const

/**
 * A document with what was measured between its two marks in place of what stood there; or, of a document without them or
 * none at all, a report of its own.
 */
export function placed(document: string | undefined, report: Report): string {
  const begin = document?.indexOf(marks.begin) ?? -1
  const end = document?.indexOf(marks.end) ?? -1
  if (document === undefined || begin < 0 || end < begin) return toMarkdown(report)
  return `${document.slice(0, begin + marks.begin.length)}\n\n${told(report)}\n${document.slice(end)}`
}

function told({ machine, rounds, windowMs, results }: Report): string {
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`)
  const rows = results.map(result => [
    `\`${result.id}\``,
    `${figureText(result.value)} ${result.unit}`,
    result.ratio === null ? '' : figureText(result.ratio),
    `${figureText(result.low)} – ${figureText(result.high)}`,
    result.against === null ? '' : `\`${result.against}\``,
    result.p50Ms === undefined ? '' : `${figureText(result.p50Ms)} / ${figureText(result.p99Ms ?? 0)}`,
    Object.entries(result.cpuMicros ?? {})
      .map(([name, micros]) => `${name} ${figureText(micros)}`)
      .join(', '),
    result.loopP99Ms === undefined ? '' : figureText(result.loopP99Ms),
    result.residentMiB === undefined ? '' : figureText(result.residentMiB),
  ])
  const notes = results.flatMap(({ id, note }) => (note === undefined ? [] : [`- \`${id}\`: ${note}`]))
  const reached = goalRows(results)
  return [
    ...(machine.loadBefore > machine.cores ? [busy, ''] : []),
    `${facts.join(', ')}.`,
    '',
    `Median of ${rounds} interleaved rounds, ${windowMs} ms for each subject in each. The interval is that of the ratio`,
    'where there is one, else of the value. One client process asks everything over HTTP; it shares the machine with what',
    'it asks, and so do the HSM hosts, the same for every side.',
    '',
    ...(reached.length > 0 ? [...table(goalHead, reached), ''] : []),
    ...table(
      [
        'figure',
        'value',
        'ratio',
        'interval',
        'against',
        'p50 / p99 ms',
        'CPU µs per operation',
        'loop p99 ms',
        'RSS MiB',
      ],
      rows,
    ),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n')
}

const busy =
  '**The machine was busy with other things.** Rates, times and ratios are not what they would be, nor, to a lesser degree, is processor time.'

const goalHead = ['goal', 'figure', 'asked', 'reached', 'interval', '']

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}
