import { columns, fields, terminal } from './columns.ts'
import { dataText } from './data.ts'
import type { DataFormat, Format } from './format.ts'

export type { Format } from './format.ts'

export type Pairs = readonly (readonly [name: string, value: string])[]

/** Data goes to stdout, everything else to stderr. */
export async function printData(format: DataFormat, value: unknown): Promise<void> {
  process.stdout.write(await dataText(format, value))
}

/** One thing. */
export async function printThing<Thing>(format: Format, thing: Thing, pairs: (thing: Thing) => Pairs): Promise<void> {
  if (format !== 'table') await printData(format, thing)
  else process.stdout.write(fields(pairs(thing), terminal()))
}

/** A list; as data it is one array. */
export async function printList<Item>(
  format: Format,
  items: readonly Item[],
  heading: readonly string[],
  row: (item: Item) => readonly string[],
): Promise<void> {
  if (format !== 'table') await printData(format, items)
  else if (items.length === 0) note('none')
  else process.stdout.write(columns(heading, items.map(row), terminal()))
}

/** A line for the person who is watching. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
