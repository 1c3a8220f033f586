import type { Result } from './figure.ts'
import type { Machine } from './machine.ts'

export interface Report {
  readonly machine: Machine
  readonly rounds: number
  readonly windowMs: number
  readonly results: readonly Result[]
}

export function toMarkdown({ machine, rounds, windowMs, results }: Report): string {
  const told = Object.entries(machine).map(([name, value]) => `${name} ${value}`)
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
  return [
    '# Benchmark',
    '',
    `${told.join(', ')}.`,
    '',
    `Median of ${rounds} interleaved rounds, ${windowMs} ms for each subject in each. The interval is that of the ratio`,
    'where there is one, else of the value. One client process asks everything over HTTP; it shares the machine with what',
    'it asks, and so do the HSM hosts, the same for every side.',
    '',
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

/** Three digits that tell, and no more. */
export function figureText(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 100) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}
