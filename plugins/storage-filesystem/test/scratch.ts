import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Scratch {
  /** A directory that does not exist yet, in one of its own. */
  readonly directory: string
  readonly remove: () => Promise<void>
}

export async function scratch(): Promise<Scratch> {
  const above = await mkdtemp(join(tmpdir(), 'warder-filesystem-'))
  return { directory: join(above, 'store'), remove: () => rm(above, { recursive: true, force: true }) }
}

export async function withScratch(use: (directory: string) => Promise<void>): Promise<void> {
  const { directory, remove } = await scratch()
  try {
    await use(directory)
  } finally {
    await remove()
  }
}
