import { readFile } from 'node:fs/promises'
import { WarderError } from '@warder/contract'
import { parse, TomlError } from 'smol-toml'
import { type Config, configSchema } from './schema.ts'

/** @throws WarderError `config-invalid`, naming the file, and the line or the field. */
export async function loadConfig(file: string): Promise<Config> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw invalid(file, 'cannot be read', cause)
  })
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    if (cause instanceof TomlError)
      throw invalid(file, `is not TOML at line ${cause.line}, column ${cause.column}`, cause)
    throw cause
  }
  const parsed = configSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(file, `${issue?.path.join('.') || 'the top level'}: ${issue?.message ?? 'invalid'}`, parsed.error)
}

function invalid(file: string, what: string, cause: unknown): WarderError {
  return new WarderError('config-invalid', `${file}: ${what}`, { cause })
}
