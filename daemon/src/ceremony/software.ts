import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readVersion } from '../config/version.ts'
import type { Software } from './transcript.ts'

/** What runs here: its version, and the lock that names every package it is made of, by digest. */
export function softwareHere(): Software {
  const lock = lockAbove(dirname(fileURLToPath(new URL('../../package.json', import.meta.url))))
  return {
    version: readVersion(),
    node: process.version,
    packageLock: lock === undefined ? undefined : createHash('sha256').update(readFileSync(lock)).digest('hex'),
  }
}

/** npm puts it beside the packages that it installed, or the build beside the program. */
function lockAbove(directory: string): string | undefined {
  const found = ['package-lock.json', join('node_modules', '.package-lock.json')]
    .map(name => join(directory, name))
    .find(path => existsSync(path))
  const above = dirname(directory)
  return found ?? (above === directory ? undefined : lockAbove(above))
}
