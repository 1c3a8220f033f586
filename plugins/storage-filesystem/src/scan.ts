import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, unlinkSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '@warder/contract'
import { Collection, wholeCollection, type Entry } from './collection.ts'
import { syncDirectory } from './durable.ts'
import { cancelled, errnoOf } from './failures.ts'
import { fileNameOf, isShard, isTemporary } from './file-name.ts'
import { decodeHeader, headerBytes, type Header } from './record-file.ts'

/** How long, in milliseconds, the scan may hold the thread at a time. */
const turn = 8

/**
 * Reads the header of every record below the directory, and removes what was being written when a process died. What it
 * found is durable when it resolves: the dead process may have renamed a file and not synced the directory. The caller
 * holds the lock.
 */
export async function scan(home: string, op: Op): Promise<Map<string, Collection>> {
  const collections = new Map<string, Collection>()
  const breathe = breather(op)
  for (const found of recordsIn(home)) {
    // no record can be under any other name
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(found.name)) continue
    const collection = found.isDirectory()
      ? await scanCollection(join(home, found.name), found.name, breathe)
      : new Collection(new Map(), new Set([wholeCollection]))
    collections.set(found.name, collection)
  }
  await syncDirectory(home)
  return collections
}

async function scanCollection(path: string, collection: string, breathe: () => Promise<void>): Promise<Collection> {
  const entries = new Map<string, Entry>()
  const damaged = new Set<string>()
  const shards: string[] = []
  for (const shard of recordsIn(path)) {
    if (!shard.isDirectory() || !isShard(shard.name)) {
      damaged.add(shard.name)
      continue
    }
    shards.push(join(path, shard.name))
    for (const file of recordsIn(join(path, shard.name))) {
      await breathe()
      const header = file.isFile() ? readHeader(join(path, shard.name, file.name)) : undefined
      if (header && isAtHome(header, collection, shard.name, file.name)) {
        const { revision, attributes, digest, bodyStart, bodyBytes } = header
        entries.set(header.id, { revision, attributes, digest, bytes: bodyStart + bodyBytes })
      } else damaged.add(`${shard.name}/${file.name}`)
    }
  }
  await Promise.all([path, ...shards].map(syncDirectory))
  return new Collection(entries, damaged)
}

/** What is in a directory once leftovers are removed from it. */
function recordsIn(path: string): Dirent[] {
  const found = readdirSync(path, { withFileTypes: true })
  for (const { name } of found) if (isTemporary(name)) unlinkSync(join(path, name))
  return found.filter(({ name }) => !isTemporary(name))
}

function isAtHome({ collection, id }: Header, expected: string, shard: string, name: string): boolean {
  const place = fileNameOf(id)
  return collection === expected && place.shard === shard && place.name === name
}

const buffer = Buffer.alloc(8192)

/** Undefined for what is no whole record. The body is not looked at, only its length. */
function readHeader(path: string): Header | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const { size } = fstatSync(file)
    const start = buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0))
    const length = headerBytes(start)
    if (length === undefined || length > size) return undefined
    if (length <= start.length) return decodeHeader(start, size)
    const long = Buffer.alloc(length)
    return decodeHeader(long.subarray(0, readSync(file, long, 0, length, 0)), size)
  } catch (error) {
    // a sector that cannot be read spoils one record; anything else the system says is about more than that
    if (errnoOf(error) === undefined || errnoOf(error) === 'EIO') return undefined
    throw error
  } finally {
    closeSync(file)
  }
}

/** Gives the thread to others now and then. */
function breather({ signal }: Op): () => Promise<void> {
  let began = performance.now()
  return async () => {
    if (performance.now() - began < turn) return
    await new Promise(resolve => setImmediate(resolve))
    if (signal.aborted) throw cancelled()
    began = performance.now()
  }
}
