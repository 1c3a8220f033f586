/** What differs each time, by its shape. The first that fits counts. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<id>'],
  [/\b[0-9a-f]{64}\b/g, '<SHA-256>'],
  [/\b[0-9a-f]{16}\b/g, '<16 hex digits>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d\b/g, '<date>'],
  [/\b\d+ bytes\b/g, '<number> bytes'],
  [/<id>-[0-9a-f]{8}\b/g, '<id>-<8 hex digits>'],
  [/\b\d+ (commits|days|records)\b/g, '<number> $1'],
  [/\b(record|line) \d+\b/g, '$1 <number>'],
  [/\d{8}T\d{9}Z/g, '<time>'],
  [/\(byte \d+\)/g, '(byte <number>)'],
  [/^((?:size|bytes) +)\d+$/gm, '$1<number>'],
  [/"pid":\d+/g, '"pid":<number>'],
]

/** A transcript with the shape of its values; how wide a column is does not count. */
export function shapeOf(text: string): readonly string[] {
  const shaped = shapes.reduce((sofar, [pattern, name]) => sofar.replaceAll(pattern, name), text)
  return shaped
    .trim()
    .split('\n')
    .map(line => line.trimEnd().replaceAll(/ {2,}/g, '  '))
}

/** Whether this was printed, where a line `…` of the page stands for any number of lines. */
export function matches(page: string, printed: string): boolean {
  const fits = (wanted: readonly string[], found: readonly string[]): boolean => {
    const [first, ...rest] = wanted
    if (first === undefined) return found.length === 0
    if (first === '…') return found.some((_, from) => fits(rest, found.slice(from))) || fits(rest, [])
    return first === found[0] && fits(rest, found.slice(1))
  }
  return fits(shapeOf(page), shapeOf(printed))
}
