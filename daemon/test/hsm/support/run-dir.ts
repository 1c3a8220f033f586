import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh directory of mode 0700, and its removal. */
export async function makeRunDir(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'warder-hsm-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
