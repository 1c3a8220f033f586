import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Scratch {
  /** A database that does not exist yet, in a directory of its own. */
  readonly file: string
  readonly remove: () => Promise<void>
}

export async function scratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'warder-sqlite-'))
  return { file: join(directory, 'store.db'), remove: () => rm(directory, { recursive: true, force: true }) }
}

export async function withScratch(use: (file: string) => Promise<void>): Promise<void> {
  const { file, remove } = await scratch()
  try {
    await use(file)
  } finally {
    await remove()
  }
}
