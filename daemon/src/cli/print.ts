import { columns, fields, terminal } from './columns.ts'

export const formats = ['table', 'json'] as const
export type Format = (typeof formats)[number]

export type Pairs = readonly (readonly [name: string, value: string])[]

/** Data goes to stdout, everything else to stderr. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** One thing. */
export function printThing<Thing>(format: Format, thing: Thing, pairs: (thing: Thing) => Pairs): void {
  if (format === 'json') printJson(thing)
  else process.stdout.write(fields(pairs(thing), terminal()))
}

/** A list; as JSON it is an array. */
export function printList<Item>(
  format: Format,
  items: readonly Item[],
  heading: readonly string[],
  row: (item: Item) => readonly string[],
): void {
  if (format === 'json') printJson(items)
  else if (items.length === 0) note('none')
  else process.stdout.write(columns(heading, items.map(row), terminal()))
}

/** A line for the person who is watching. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
