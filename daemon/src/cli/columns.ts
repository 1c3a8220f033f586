import { styleText } from 'node:util'

export interface Terminal {
  /** Characters to a line; `undefined` for no limit, where it is no terminal. */
  readonly width: number | undefined
  readonly colour: boolean
}

const gap = '  '

/** A table as text: a heading, then the rows, each ending in a line feed. On a terminal the widest columns are cut to fit. */
export function columns(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  { width, colour }: Terminal,
): string {
  const cells = [heading, ...rows].map(row => row.map(plain))
  const widths = heading.map((_, at) => Math.max(...cells.map(row => lengthOf(row[at] ?? ''))))
  if (width !== undefined) fit(widths, width)
  const lines = cells.map(row =>
    row
      .map((cell, at) => padded(cell, widths[at] ?? 0))
      .join(gap)
      .trimEnd(),
  )
  if (colour) lines[0] = bold(lines[0] ?? '')
  return lines.map(line => `${line}\n`).join('')
}

/** Names and values, one to a line. Nothing is cut: this is read for its values. */
export function fields(pairs: readonly (readonly [name: string, value: string])[], { colour }: Terminal): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs
    .map(([name, value]) => {
      const label = name.padEnd(width)
      return `${`${colour ? bold(label) : label}${gap}${plain(value)}`.trimEnd()}\n`
    })
    .join('')
}

// Whether there is colour was decided before; newer versions of Node.js would look at stdout again.
const bold = (text: string): string => styleText('bold', text, { validateStream: false })

/** The terminal that stdout is; NO_COLOR (no-color.org) is honoured. */
export function terminal(): Terminal {
  const { stdout } = process
  return stdout.isTTY ? { width: stdout.columns, colour: stdout.hasColors() } : { width: undefined, colour: false }
}

function fit(widths: number[], width: number): void {
  const sum = (): number => widths.reduce((total, each) => total + each, gap.length * (widths.length - 1))
  for (let over = sum() - width; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= 8) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function padded(cell: string, width: number): string {
  const length = lengthOf(cell)
  return length > width
    ? `${Array.from(cell)
        .slice(0, width - 1)
        .join('')}…`
    : cell + ' '.repeat(width - length)
}

const lengthOf = (text: string): number => Array.from(text).length

/** What others wrote never steers the terminal. */
const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ')
