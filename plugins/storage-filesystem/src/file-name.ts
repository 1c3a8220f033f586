import { hash } from 'node:crypto'

/** Where a record is kept, below the directory of its collection. */
export interface FileName {
  /** One of 256 directories, so that none grows large. */
  readonly shard: string
  readonly name: string
}

/** The longest name in bytes that Linux file systems take. */
const longest = 255

/**
 * The file of an id. Lower-case letters, digits, `-`, `_` and inner dots stand for themselves and every other byte is
 * `%xx`, so that names differ also where case, form or a path separator would be lost. A name that would be too long is
 * cut, and ends in `~` and the SHA-256 of the id. No name begins with a dot.
 */
export function fileNameOf(id: string): FileName {
  const digest = hash('sha256', id, 'hex')
  const escaped = escape(id)
  const name = escaped.length <= longest ? escaped : `${escaped.slice(0, longest - 65)}~${digest}`
  return { shard: digest.slice(0, 2), name }
}

export function isShard(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name)
}

function escape(id: string): string {
  return id.replaceAll(/^\.|[^a-z0-9._-]+/g, part => Buffer.from(part, 'utf8').toString('hex').replaceAll(/../g, '%$&'))
}

/** Names of files that were being written. What is found under one at open was never acknowledged. */
export function temporaryName(n: number): string {
  return `.new-${n}`
}

export function isTemporary(name: string): boolean {
  return name.startsWith('.new-')
}
