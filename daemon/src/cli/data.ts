import type { DataFormat } from './format.ts'

/** A value as a document of text, ending in a line feed. YAML is 1.2 and says what the JSON form says, in the same order. */
export async function dataText(format: DataFormat, value: unknown): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`
  const { stringify } = await yaml()
  return stringify(value, textOptions)
}

/** One of a stream of values: a line of JSON, or a YAML document with its `---`. */
export async function streamText(format: DataFormat, json: string): Promise<string> {
  if (format === 'json') return `${json}\n`
  const { stringify } = await yaml()
  return `---\n${stringify(JSON.parse(json), textOptions)}`
}

// no folded lines, which a line-wise reader would take for two, and no aliases, which some readers refuse
const textOptions = { lineWidth: 0, aliasDuplicateObjects: false } as const

/** Loaded when it is asked for: it takes longer than the rest of a command. */
const yaml = () => import('yaml')
