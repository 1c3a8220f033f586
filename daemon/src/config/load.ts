import { WarderError } from '@warder/contract'
import { z } from 'zod'
import { error, type Finding } from './finding.ts'
import { type KeyPath } from './key-positions.ts'
import { type Config, configSchema } from './schema.ts'
import { readSources, type Sources } from './sources.ts'
import { suggest } from './suggest.ts'

/** A configuration with where it came from, or everything that is wrong with it. */
export type Loaded =
  | { readonly config: Config; readonly sources: Sources; readonly findings?: undefined }
  | { readonly findings: readonly Finding[] }

/** @throws WarderError `config-invalid`, naming file, line, column and field. */
export async function loadConfig(file: string): Promise<Config> {
  const loaded = await readConfig(file)
  if (loaded.findings === undefined) return loaded.config
  const [first, ...others] = loaded.findings
  const more = others.length === 0 ? '' : ` (${others.length} more: warder config check)`
  throw new WarderError('config-invalid', `${first?.place ?? file}: ${first?.message ?? 'invalid'}${more}`)
}

export async function readConfig(file: string): Promise<Loaded> {
  const sources = await readSources(file)
  if ('length' in sources) return { findings: sources }
  const parsed = configSchema.safeParse(sources.value)
  if (parsed.success) return { config: parsed.data, sources }
  return { findings: parsed.error.issues.flatMap(issue => findingsOf(issue, sources)) }
}

function findingsOf(issue: z.core.$ZodIssue, sources: Sources): Finding[] {
  const path = pathOf(issue.path)
  if (issue.code !== 'unrecognized_keys') {
    return [error(sources.locate(path), `${path.join('.') || 'the top level'}: ${issue.message}.`)]
  }
  return issue.keys.map(key => {
    const meant = suggest(key, keysAt(path))
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    return error(sources.locate([...path, key]), `${[...path, key].join('.')}: unknown key${hint || '.'}`)
  })
}

export function pathOf(path: readonly PropertyKey[]): KeyPath {
  return path.map(step => (typeof step === 'number' ? step : String(step)))
}

/** The keys that the schema knows in the table at this path. */
function keysAt(path: KeyPath): string[] {
  let schema: unknown = configSchema
  for (const step of path) {
    const table = unwrap(schema)
    if (!(table instanceof z.ZodObject)) return []
    schema = table.shape[step]
  }
  const table = unwrap(schema)
  return table instanceof z.ZodObject ? Object.keys(table.shape) : []
}

function unwrap(schema: unknown): unknown {
  const wraps = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
  return wraps ? unwrap(schema.unwrap()) : schema
}
