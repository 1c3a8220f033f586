import { stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Takes the journal's own directory, a data directory or a development directory. */
export async function journalBelow(dir: string): Promise<string> {
  for (const candidate of [join(dir, 'data', 'journal'), join(dir, 'journal')]) {
    if ((await stat(candidate).catch(() => undefined))?.isDirectory()) return candidate
  }
  return dir
}
