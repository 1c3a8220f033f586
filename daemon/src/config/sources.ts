import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { error, type Finding } from './finding.ts'
import { type KeyPath, keyPositions, pathKey, type Position } from './key-positions.ts'
import { mergeTables, type Table } from './merge.ts'

interface Source {
  readonly file: string
  readonly positions: ReadonlyMap<string, Position>
}

/** What the files of a configuration say together. */
export interface Sources {
  readonly value: Table
  /** In the order in which they were merged: `warder.toml` first. */
  readonly files: readonly string[]
  /** `file:line:column` of a key, in the file that had the last word on it, or of the table it would be in. */
  locate(path: KeyPath): string
}

/**
 * Reads `file` and then, by name, each `conf.d/*.toml` beside it. A file of `conf.d` says only what differs.
 * @returns the findings when a file cannot be read or is not TOML
 */
export async function readSources(file: string): Promise<Sources | readonly Finding[]> {
  const files = [file, ...(await fragmentsOf(file))]
  const findings: Finding[] = []
  const sources: Source[] = []
  let value: Table = {}
  for (const each of files) {
    try {
      const text = await readFile(each, 'utf8')
      value = mergeTables(value, parse(text))
      sources.push({ file: each, positions: keyPositions(text) })
    } catch (cause) {
      findings.push(unreadable(each, cause))
    }
  }
  return findings.length > 0 ? findings : { value, files, locate: path => locate(sources, path) }
}

async function fragmentsOf(file: string): Promise<string[]> {
  const directory = join(dirname(file), 'conf.d')
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw cause
  })
  const fragments = names.filter(name => name.endsWith('.toml') && !name.startsWith('.'))
  return fragments.sort().map(name => join(directory, name))
}

function unreadable(file: string, cause: unknown): Finding {
  if (cause instanceof TomlError) {
    // the first line of its message says what, the others draw where
    return error(`${file}:${cause.line}:${cause.column}`, (cause.message.split('\n')[0] ?? '').replace(/[:.]?$/, '.'))
  }
  const code = (cause as NodeJS.ErrnoException).code
  if (code === undefined) throw cause
  return error(file, `cannot be read (${code}).`)
}

function locate(sources: readonly Source[], path: KeyPath): string {
  for (let length = path.length; length > 0; length--) {
    for (const { file, positions } of sources.toReversed()) {
      const found = positions.get(pathKey(path.slice(0, length)))
      if (found !== undefined) return `${file}:${found.line}:${found.column}`
    }
  }
  return sources[0]?.file ?? ''
}
