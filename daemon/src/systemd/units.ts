import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Beside the program's packages, in a clone as in what is installed. */
const shippedDirectory = fileURLToPath(new URL('../../../systemd', import.meta.url))

/** Where units are looked for; what is in an earlier one goes before (systemd.unit(5)). */
export const unitDirectories: readonly string[] = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]

export interface InstalledUnit {
  readonly name: string
  readonly path: string
  readonly text: string
  readonly dropIns: readonly { readonly path: string; readonly text: string }[]
}

/** The units that this version comes with, by name. */
export async function shippedUnits(directory = shippedDirectory): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(directory)).filter(name => /\.(service|socket|timer)$/.test(name)).sort()
  const texts = names.map(async name => [name, await readFile(join(directory, name), 'utf8')] as const)
  return new Map(await Promise.all(texts))
}

/** A unit as systemd finds it, with its drop-ins in the order in which they count; `undefined` when there is none. */
export async function installedUnit(name: string, directories: readonly string[]): Promise<InstalledUnit | undefined> {
  const unit = await firstOf(directories.map(directory => join(directory, name)))
  if (unit === undefined) return undefined
  const dropIns = new Map<string, { readonly path: string; readonly text: string }>()
  // of two with one name the one in the earlier directory counts; the order is that of the names
  for (const directory of directories.toReversed()) {
    const below = join(directory, `${name}.d`)
    const files = (await readdir(below).catch(() => [])).filter(file => file.endsWith('.conf'))
    for (const file of files)
      dropIns.set(file, { path: join(below, file), text: await readFile(join(below, file), 'utf8') })
  }
  const ordered = [...dropIns].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, dropIn]) => dropIn)
  return { name, ...unit, dropIns: ordered }
}

async function firstOf(
  paths: readonly string[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text !== undefined) return { path, text }
  }
  return undefined
}
