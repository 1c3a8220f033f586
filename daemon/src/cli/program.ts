import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How to start one of this package's programs as a child: from sources when this process runs from sources. */
export function program(name: 'hsm' | 'index', args: readonly string[]): { command: string; args: string[] } {
  const extension = extname(fileURLToPath(import.meta.url))
  const entry = fileURLToPath(new URL(`./${name}${extension}`, import.meta.url))
  return { command: process.execPath, args: [...process.execArgv, entry, ...args] }
}
