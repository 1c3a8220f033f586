import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CliError } from './failure.ts'
import type { FileSettings } from './settings.ts'

const known = ['addr', 'cacert', 'token_file', 'space'] as const

/** Below XDG_CONFIG_HOME, or `~/.config`. */
export function configFile(): string {
  const base = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config')
  return join(base, 'warder', 'cli.toml')
}

/** The user's own settings; none when there is no file. Paths in it are relative to it. @throws CliError naming the field */
export async function readConfigFile(file = configFile()): Promise<FileSettings> {
  let text
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new CliError(`${file} cannot be read (${code ?? 'unknown'}).`, undefined, cause)
  }
  const { parse, TomlError } = await import('smol-toml')
  let table: Readonly<Record<string, unknown>>
  try {
    table = parse(text)
  } catch (cause) {
    const where = cause instanceof TomlError ? ` at line ${cause.line}, column ${cause.column}` : ''
    throw new CliError(`${file} is not TOML${where}.`, undefined, cause)
  }
  for (const [name, value] of Object.entries(table)) {
    if (!known.some(each => each === name)) {
      throw new CliError(`${file}: ${name} is not a setting.`, `the settings are ${known.join(', ')}`)
    }
    if (typeof value !== 'string' || value === '') throw new CliError(`${file}: ${name} must be text.`)
  }
  const { addr, cacert, token_file: tokenFile, space } = table as Partial<Record<(typeof known)[number], string>>
  const path = (value: string): string => resolve(dirname(file), value)
  return {
    ...(addr === undefined ? {} : { addr }),
    ...(cacert === undefined ? {} : { cacert: path(cacert) }),
    ...(tokenFile === undefined ? {} : { tokenFile: path(tokenFile) }),
    ...(space === undefined ? {} : { space }),
  }
}
